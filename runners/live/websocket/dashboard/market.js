"use strict";
// What the market does by the server's clock, and whether an alert can still be traded.

function streamOf({ symbol, timeframe }) {
  return JSON.stringify([symbol, timeframe]);
}

class Market {
  // The server's clock less this page's timer, which nobody sets: a wrong or corrected clock of
  // this computer changes nothing once the server has said what time it is.
  #offset = Date.now() - performance.now();
  #streams = new Map(); // by stream: { bars, facts }, the newest answer
  #states = new Map(); // by stream, as the server last told

  now() { return this.#offset + performance.now(); }

  of(stream) { return this.#streams.get(streamOf(stream)); }

  // The streams that the server follows.
  get followed() { return [...this.#states.values()]; }

  // The answer to a question for bars.
  keep(answer) {
    this.#setClock(answer.now);
    const key = streamOf(answer);
    this.#streams.delete(key);
    this.#streams.set(key, { bars: readBars(answer.bars), facts: answer });
    if (this.#streams.size > 32) this.#streams.delete(this.#streams.keys().next().value);
  }

  // A status of the feed: all its streams; returns those whose newest bar is another.
  told({ feed, now }) {
    this.#setClock(now);
    const before = this.#states;
    const streams = Array.isArray(feed) ? feed : [];
    this.#states = new Map(streams.map((state) => [streamOf(state), state]));
    return streams.filter((state) => before.get(streamOf(state))?.last_bar !== state.last_bar);
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
    const known = [instant(state?.last_bar), this.of(stream)?.bars.at(-1)?.time].filter(Number.isFinite);
    const last = known.length ? Math.max(...known) : null;
    const length = 60000 * (minutesOf(stream.timeframe) ?? 0);
    const trouble = { stale: t("stale"), down: t("down"), ended: t("over") }[state?.state];
    if (last === null) return trouble ?? t("no_bar");
    const close = last + length;
    const at = shown(MINUTE, close);
    const parts = [];
    if (this.marks(stream).includes("replay")) {
      parts.push(t("last_bar_of", { at, day: DAY.format(last) }));
    } else {
      parts.push(`${t("last_bar", { at })}, ${age(this.now() - close)}`);
      const left = close + length - this.now();
      if (state?.market_open === false) parts.push(t("closed"));
      else if (length && left > 0) parts.push(t("next_bar", { left: clock(left) }));
      else if (state?.market_open) parts.push(t("next_late", { by: clock(-left) }));
    }
    if (trouble) parts.push(trouble);
    return parts.join(" · ");
  }

  // Whether a stream has no alerts to expect for now.
  isInTrouble(stream) {
    return ["stale", "down"].includes(this.#states.get(streamOf(stream))?.state);
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
    if (beyond > 0) return { kind: "passed", text: t("entry_passed"), price };
    return { kind: "open", text: t(before > 0 ? "entry_before" : "entry_in"), price };
  }

  #ended(alert, { bars, facts }, open, close) {
    const reached = bars.some((bar) => bar.time === open) ? firstReached(alert, bars, open) : null;
    if (reached) return reached;
    const last = bars.at(-1).time;
    const now = (facts.marks ?? []).includes("replay") ? last + (close - open) : this.now();
    if (DAY.format(open) !== DAY.format(now)) return t("session_over");
    const ends = close + 60000 * facts.horizon_minutes;
    return now >= ends ? t("horizon_over", { at: shown(MINUTE, ends) }) : null;
  }

  #setClock(iso) {
    const time = instant(iso);
    if (time !== null) this.#offset = time - performance.now();
  }
}

// Stop or target reached by a bar after the alert's; of one bar that holds both, the stop.
function firstReached(alert, bars, open) {
  for (const bar of bars.filter((one) => one.time > open)) {
    const at = shown(MINUTE, bar.time);
    const [worst, best] = alert.direction > 0 ? [bar.low, bar.high] : [bar.high, bar.low];
    if ((worst - alert.stop) * alert.direction <= 0) return t("stop_hit", { at });
    if ((best - alert.target) * alert.direction > 0) return t("target_hit", { at });
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
  return new Intl.NumberFormat(LOCALES[LANGUAGE], { style: "currency", currency: "BRL", signDisplay: "exceptZero" }).format(value);
}
