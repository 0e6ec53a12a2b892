"use strict";
// Sound and notices of the desktop: off until asked for, remembered until switched off.

class Attention {
  #audio = null;
  #isLoud = recall("alertas.sound", false);
  #notifies = recall("alertas.notify", false);

  constructor() {
    find("sound").addEventListener("click", () => this.#switchSound());
    find("notify").addEventListener("click", () => this.#switchNotices());
    // A browser lets a page sound only after it was touched; any touch will do.
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, (event) => {
      if (!event.target.closest?.("#sound")) this.#wake();
    });
    this.#show();
  }

  alert(data, text) {
    if (!this.#notifies || document.hasFocus() || !this.#mayNotify()) return;
    const notice = new Notification(text, { tag: String(data.id), body: String(data.text ?? "") });
    notice.onclick = () => { window.focus(); notice.close(); };
  }

  sound(frequency) {
    if (this.#audio?.state !== "running") return;
    const now = this.#audio.currentTime;
    const tone = this.#audio.createOscillator();
    const volume = this.#audio.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.12, now);
    volume.gain.exponentialRampToValueAtTime(0.001, now + 0.35);
    tone.connect(volume).connect(this.#audio.destination);
    tone.start(now);
    tone.stop(now + 0.36);
  }

  async #wake() {
    if (!this.#isLoud) return;
    this.#audio ??= new AudioContext();
    if (this.#audio.state !== "running") await this.#audio.resume();
    this.#show();
  }

  async #switchSound() {
    // The touch that wakes a remembered sound must not switch it off.
    const isAsleep = this.#isLoud && find("sound-text").textContent !== "ligado";
    this.#isLoud = isAsleep || !this.#isLoud;
    remember("alertas.sound", this.#isLoud || null);
    if (this.#isLoud) {
      await this.#wake();
      this.sound(620);
    }
    this.#show();
  }

  async #switchNotices() {
    const isOn = !(this.#notifies && this.#mayNotify());
    this.#notifies = isOn && (await Notification.requestPermission()) === "granted";
    remember("alertas.notify", this.#notifies || null);
    this.#show();
    if (isOn && !this.#notifies) warn("O navegador não permite avisos desta página; mude isso nas permissões do site.", "notify");
  }

  #mayNotify() { return "Notification" in window && Notification.permission === "granted"; }

  #show() {
    const isHeard = this.#isLoud && this.#audio?.state === "running";
    find("sound").setAttribute("aria-pressed", String(this.#isLoud));
    find("sound-text").textContent = isHeard ? "ligado" : this.#isLoud ? "clique para ouvir" : "desligado";
    find("notify").disabled = !("Notification" in window);
    find("notify").title = "Notification" in window ? "" : "Só em https ou neste computador";
    find("notify").setAttribute("aria-pressed", String(this.#notifies && this.#mayNotify()));
  }
}
