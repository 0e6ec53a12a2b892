"use strict";
// Sound and notices of the desktop: off until asked for, remembered until switched off.

class Attention {
  #audio = null;
  #isLoud = recall("alertas.sound", false);
  #notifies = recall("alertas.notify", false);

  constructor() {
    find("sound").addEventListener("click", () => this.#switchSound());
    find("notify").addEventListener("click", () => this.#switchNotices());
    // A browser may let a page sound only after it was touched; any touch will do.
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, (event) => {
      if (!event.target.closest?.("#sound")) this.#wake();
    });
    this.#wake();
    this.#show();
  }

  alert(kind, data, text) {
    if (!this.#notifies || document.hasFocus() || !this.#mayNotify()) return;
    const notice = new Notification(text, { tag: String(data.id), body: say(kind, data), lang: LANGUAGE });
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

  // Done when the sound is on, which may be never.
  async #wake() {
    if (!this.#isLoud) return;
    if (this.#audio === null) {
      this.#audio = new AudioContext();
      this.#audio.onstatechange = () => this.#show();
    }
    if (this.#audio.state !== "running") await this.#audio.resume();
  }

  async #switchSound() {
    // The touch that wakes a remembered sound must not switch it off.
    const isAsleep = this.#isLoud && !this.#isHeard;
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
    if (isOn && !this.#notifies) warn(t("notify_refused"), "notify");
  }

  get #isHeard() { return this.#isLoud && this.#audio?.state === "running"; }

  #mayNotify() { return "Notification" in window && Notification.permission === "granted"; }

  #show() {
    const state = this.#isHeard ? "sound_on" : this.#isLoud ? "sound_asleep" : "sound_off";
    find("sound").setAttribute("aria-pressed", String(this.#isLoud));
    find("sound").classList.toggle("asleep", state === "sound_asleep");
    find("sound").title = `${t("sound")}: ${t(state)}`;
    find("sound-text").textContent = t(state);
    find("notify").disabled = !("Notification" in window);
    find("notify").title = "Notification" in window ? "" : t("notify_where");
    find("notify").setAttribute("aria-pressed", String(this.#notifies && this.#mayNotify()));
  }
}
