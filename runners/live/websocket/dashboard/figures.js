"use strict";
// Figures of the day, of what this page has been sent and has measured itself.

const SAMPLES = 1000;
const REMEMBERED_IDS = 10000;
const CLOCK_TOLERANCE = 1000; // milliseconds by which two machines' clocks may disagree
const LIVE_DELAY = 15 * 60000; // a detection later than this was of a replay, not of a market

const STRETCHES = [
  ["seen", "Barra vista → enviado"],
  ["travel", "Enviado → recebido"],
  ["detection", "Fechamento → enviado"],
];

class Figures {
  #day = null;
  #severities = new Map();
  #corrections = 0;
  #samples = { seen: [], travel: [], detection: [] };
  #isClockOff = false;
  #isReplay = false;
  #ids = new Map(); // the day's alerts by id, with their numbers: none counts twice
  #isCut = false;

  add({ kind, seq, data, sentAt, isLive, received }) {
    if (kind === "alert") this.#count(data, seq);
    else this.#corrections += 1;
    if (isLive && kind === "alert") this.#measure(data, instant(sentAt), received);
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

  #measure(alert, sent, received) {
    const seen = instant(alert.detected_at);
    const close = barClose(alert);
    if (sent === null) return;
    if (seen !== null) this.#sample("seen", sent - seen);
    this.#sample("travel", received - sent);
    if (close === null || alert.late) return;
    if (sent < close - CLOCK_TOLERANCE || sent - close > LIVE_DELAY) this.#isReplay = true;
    else this.#sample("detection", sent - close);
  }

  #sample(name, milliseconds) {
    if (milliseconds < -CLOCK_TOLERANCE) {
      this.#isClockOff = true;
      return;
    }
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
    find("day").textContent = this.#day === null ? "Números do dia" : `Pregão de ${this.#day.text}`;
    find("day-short").textContent = count(total, "alerta", "alertas") + (this.#isCut ? " ou mais" : "");
    find("counts").replaceChildren(
      ...pair("Alertas", number(total) + (this.#isCut ? "+" : "")),
      ...severities.flatMap(([name, n]) => pair(name, number(n))),
      ...pair("Entregues", number(total - waiting)),
      ...pair("Correções", number(this.#corrections)),
      ...Object.entries(ACTIONS).flatMap(([key, name]) =>
        pair(`${name}s`, number(taken.filter(([, one]) => one.action === key).length))),
    );
    find("times").replaceChildren(...STRETCHES.map(([key, name]) => row(name, this.#samples[key])));
    find("times-note").textContent = this.#note();
  }

  #note() {
    const notes = [
      "Entregues: confirmados ao servidor por esta página. Latência: só de alertas recebidos ao vivo aqui; barra vista e envio pelo relógio do servidor, recebimento pelo deste computador.",
    ];
    if (this.#isReplay) notes.push("Barras de outro dia ou hora (replay): o atraso desde o fechamento não é medido.");
    if (this.#isClockOff) notes.push("Os relógios do servidor e deste computador divergem mais de 1 s: amostras negativas ficam de fora.");
    return notes.join(" ");
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
