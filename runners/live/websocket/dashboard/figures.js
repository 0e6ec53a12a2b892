"use strict";
// Figures of the day, of what this page has been sent and has measured itself.

const SAMPLES = 1000;
const REMEMBERED_IDS = 10000;
const CLOCK_TOLERANCE = 1000; // milliseconds by which the clocks of market and server may disagree
const LIVE_DELAY = 15 * 60000; // a detection later than this was of a replay, not of a market

const STRETCHES = ["seen", "trip", "detection"];

class Figures {
  #day = null;
  #severities = new Map();
  #corrections = 0;
  #samples = { seen: [], trip: [], detection: [] };
  #isReplay = false;
  #ids = new Map(); // the day's alerts by id, with their numbers: none counts twice
  #isCut = false;

  add({ kind, seq, data, sentAt, isLive }) {
    if (kind === "alert") this.#count(data, seq);
    else this.#corrections += 1;
    if (isLive && kind === "alert") this.#measure(data, instant(sentAt));
  }

  #count(alert, seq) {
    const time = instant(alert.bar_time);
    const day = time === null ? null : DAY.format(time);
    if (day !== null && (this.#day === null || time > this.#day.time) && day !== this.#day?.text) {
      // The first message seen may not be the first of its day.
      this.#isCut = this.#day === null && seq > 1;
      this.#day = { text: day, time };
      this.#severities.clear();
      this.#ids.clear();
      this.#corrections = 0;
    }
    if (day === null || day !== this.#day.text || this.#ids.has(alert.id)) return;
    this.#ids.set(alert.id, seq);
    if (this.#ids.size > REMEMBERED_IDS) this.#ids.delete(this.#ids.keys().next().value);
    const name = label(WORDS, alert.severity);
    this.#severities.set(name, (this.#severities.get(name) ?? 0) + 1);
  }

  #measure(alert, sent) {
    const seen = instant(alert.detected_at);
    const close = barClose(alert);
    if (sent === null) return;
    if (seen !== null) this.sample("seen", sent - seen);
    if (close === null || alert.late) return;
    if (sent < close - CLOCK_TOLERANCE || sent - close > LIVE_DELAY) this.#isReplay = true;
    else this.sample("detection", sent - close);
  }

  sample(name, milliseconds) {
    const samples = this.#samples[name];
    samples.push(Math.max(0, milliseconds));
    if (samples.length > SAMPLES) samples.shift();
  }

  show(actions, acknowledged) {
    const total = [...this.#severities.values()].reduce((sum, n) => sum + n, 0);
    const waiting = [...this.#ids.values()].filter((seq) => seq > acknowledged).length;
    const order = SEVERITIES.map((name) => label(WORDS, name));
    const severities = [...this.#severities].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
    const taken = [...actions].filter(([id]) => this.#ids.has(id));
    const alerts = count(total, "alert");
    find("day").textContent = this.#day === null ? t("day") : t("session_of", { day: this.#day.text });
    find("day-short").textContent = this.#isCut ? t("or_more", { text: alerts }) : alerts;
    find("counts").replaceChildren(
      ...pair(t("alerts"), number(total) + (this.#isCut ? "+" : "")),
      ...severities.flatMap(([name, n]) => pair(name, number(n))),
      ...pair(t("delivered"), number(total - waiting)),
      ...pair(t("corrections"), number(this.#corrections)),
      ...ACTIONS.flatMap((action) =>
        pair(t(`${action}_many`), number(taken.filter(([, one]) => one.action === action).length))),
    );
    find("times").replaceChildren(...STRETCHES.map((name) => row(t(`stretch_${name}`), this.#samples[name])));
    find("times-note").textContent = t("latency_note") + (this.#isReplay ? ` ${t("latency_replay")}` : "");
  }
}

function pair(name, value) {
  const box = make("div");
  box.append(make("dt", "", name), make("dd", "", value));
  return [box];
}

function row(name, samples) {
  const line = make("tr");
  const head = make("th", "", name);
  head.scope = "row";
  const sorted = samples.toSorted((a, b) => a - b);
  line.append(
    head,
    ...[0.5, 0.95, 0.99].map((share) => make("td", "", quantile(sorted, share))),
    make("td", "", number(sorted.length)),
  );
  return line;
}

// The smallest sample that at least this share of them does not exceed.
function quantile(sorted, share) {
  if (!sorted.length) return DASH;
  const value = sorted[Math.ceil(share * sorted.length) - 1];
  return value < 1 ? "< 1" : number(value, 0);
}
