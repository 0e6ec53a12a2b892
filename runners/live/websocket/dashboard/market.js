"use strict";
// What the market does by the server's clock, and whether an alert can still be traded.

const MARKS = { synthetic: "DADOS SINTÉTICOS", replay: "REPLAY" };
const STATES = { stale: "faltam barras", down: "sem dados de mercado", ended: "replay terminado" };

function streamOf({ symbol, timeframe }) {
  return JSON.stringify([symbol, timeframe]);
}

class Market {
  #ahead = 0; // the server's clock less this computer's
  #streams = new Map(); // by stream: { bars, facts }, the newest answer
  #states = new Map(); // by stream, as the server last told

  now() { return Date.now() + this.#ahead; }

  of(stream) { return this.#streams.get(streamOf(stream)); }

  // The answer to a question for bars.
  keep(answer) {
    this.#setClock(answer.now);
    const key = streamOf(answer);
    this.#streams.delete(key);
    this.#streams.set(key, { bars: readBars(answer.bars), facts: answer });
    if (this.#streams.size > 32) this.#streams.delete(this.#streams.keys().next().value);
  }

  // A status of the feed; returns the streams whose newest bar is another.
  told({ feed, now }) {
    this.#setClock(now);
    const moved = [];
    for (const state of Array.isArray(feed) ? feed : []) {
      const before = this.#states.get(streamOf(state));
      if (before?.last_bar !== state.last_bar) moved.push(state);
      this.#states.set(streamOf(state), state);
    }
    return moved;
  }

  // The day of the market; a replay has that of its newest bar.
  today(stream) {
    const last = this.of(stream)?.bars.at(-1)?.time;
    return DAY.format(last && this.marks(stream).includes("replay") ? last : this.now());
  }

  marks(stream) { return this.of(stream)?.facts.marks ?? []; }

  // One line on the newest bar and the next.
  line(stream) {
    const state = this.#states.get(streamOf(stream));
    const last = this.of(stream)?.bars.at(-1)?.time ?? instant(state?.last_bar);
    const length = 60000 * (minutesOf(stream.timeframe) ?? 0);
    const trouble = STATES[state?.state];
    if (last === null || last === undefined) return trouble ?? "nenhuma barra ainda";
    const close = last + length;
    const parts = [`última barra fechou às ${shown(MINUTE, close)}`];
    if (this.marks(stream).includes("replay")) {
      parts[0] += ` de ${DAY.format(last)}`;
    } else {
      parts[0] += `, ${age(this.now() - close)}`;
      const left = close + length - this.now();
      if (state?.market_open === false) parts.push("mercado fechado");
      else if (length && left > 0) parts.push(`próxima fecha em ${clock(left)}`);
      else if (state?.market_open) parts.push(`próxima atrasada ${clock(-left)}`);
    }
    if (trouble) parts.push(trouble);
    return parts.join(" · ");
  }

  // Whether an alert can still be traded, as far as closed bars show; null where they do not.
  standing(alert) {
    const known = this.of(alert);
    const last = known?.bars.at(-1);
    const open = instant(alert.bar_time);
    const close = barClose(alert);
    if (!last || open === null || close === null) return null;
    const price = last.close;
    const ended = this.#ended(alert, known, open, close);
    if (ended) return { kind: "over", text: ended, price };
    if (![alert.entry_min, alert.entry_max].every(Number.isFinite)) return null;
    const beyond = alert.direction > 0 ? price - alert.entry_max : alert.entry_min - price;
    const before = alert.direction > 0 ? alert.entry_min - price : price - alert.entry_max;
    if (beyond > 0) return { kind: "passed", text: "entrada passou", price };
    return { kind: "open", text: before > 0 ? "antes da entrada" : "na faixa de entrada", price };
  }

  #ended(alert, { bars, facts }, open, close) {
    const reached = bars.some((bar) => bar.time === open) ? firstReached(alert, bars, open) : null;
    if (reached) return reached;
    const last = bars.at(-1).time;
    const now = (facts.marks ?? []).includes("replay") ? last + (close - open) : this.now();
    if (DAY.format(open) !== DAY.format(now)) return "pregão encerrado: histórico";
    const horizon = facts.horizon_minutes;
    return Number.isFinite(horizon) && now >= close + 60000 * horizon
      ? `prazo do trade acabou às ${shown(MINUTE, close + 60000 * horizon)}: histórico` : null;
  }

  #setClock(iso) {
    const time = instant(iso);
    if (time !== null) this.#ahead = time - Date.now();
  }
}

// Stop or target reached by a bar after the alert's; of one bar that holds both, the stop.
function firstReached(alert, bars, open) {
  for (const bar of bars.filter((one) => one.time > open)) {
    const [worst, best] = alert.direction > 0 ? [bar.low, bar.high] : [bar.high, bar.low];
    if ((worst - alert.stop) * alert.direction <= 0) return `stop atingido na barra das ${shown(MINUTE, bar.time)}`;
    if ((best - alert.target) * alert.direction > 0) return `alvo atingido na barra das ${shown(MINUTE, bar.time)}`;
  }
  return null;
}

// Minutes and seconds of a countdown.
function clock(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

// A contract's profit or loss.
function reais(value) {
  return new Intl.NumberFormat("pt-BR", { style: "currency", currency: "BRL", signDisplay: "exceptZero" }).format(value);
}
