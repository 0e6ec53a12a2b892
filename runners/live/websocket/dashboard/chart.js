"use strict";
// Recent bars as candles, with an alert's bar and levels. Drawn at the size it is shown at.

const SVG = "http://www.w3.org/2000/svg";
const FOOT = 20; // room for times below
const TOP = 10;
const LABEL = 15; // least distance between two labels
const AHEAD = 8; // bars' worth of room right of the newest

// Draw into `box`; `alert` is null where there are only bars to show.
function drawChart(box, bars, alert, previous) {
  const width = Math.max(260, Math.floor(box.clientWidth));
  const height = width < 480 ? 220 : Math.min(360, Math.round(width * 0.58));
  const marked = alert === null ? -1 : bars.findIndex((bar) => bar.time === instant(alert.bar_time));
  const levels = marked < 0 ? [] : levelsOf(alert);
  const levelPrices = levels.map((level) => level.price);
  const decimals = decimalsOf([...levelPrices, ...bars.map((bar) => bar.close)]);
  for (const level of levels) level.text = `${level.name} ${number(level.price, decimals)}`;
  const axis = 14 + 6.9 * Math.max(9, ...levels.map((level) => level.text.length));
  const shownBars = visible(bars, marked, Math.floor((width - axis) / 5) - AHEAD);
  const place = marked < 0 ? -1 : marked - (bars.length - shownBars.length);
  const prices = [...shownBars.flatMap((bar) => [bar.low, bar.high]), ...levelPrices];
  const scale = makeScale(prices, shownBars.length, width - axis, height - FOOT - TOP);

  const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img" });
  const labels = spread(levels.map((level) => ({ ...level, y: scale.y(level.price) })));
  svg.append(grid(scale, decimals, labels, width), times(shownBars, scale, height));
  if (place >= 0) svg.append(signal(alert, shownBars[place], place, scale, height));
  svg.append(...shownBars.map((bar, index) => candle(bar, index, scale)), ...drawPrevious(previous, scale));
  svg.append(...drawLevels(labels, alert, scale, place, width));
  find("previous").textContent = describePrevious(previous, decimals);
  const title = node("title");
  title.textContent = describe(shownBars, alert, place, decimals);
  svg.prepend(title);
  for (const kind of ["pointermove", "pointerdown"]) {
    svg.addEventListener(kind, (event) => {
      const x = event.clientX - svg.getBoundingClientRect().left;
      const bar = shownBars[Math.max(0, Math.min(shownBars.length - 1, Math.floor(x / scale.step)))];
      find("ohlc").textContent = ohlc(bar, decimals);
    });
  }
  find("ohlc").textContent = ohlc(shownBars.at(-1), decimals);
  box.replaceChildren(svg);
}

// One bar in words: open, high, low, close.
function ohlc(bar, decimals) {
  const price = (value) => number(value, decimals);
  return t("ohlc", {
    at: shown(MINUTE, bar.time), open: price(bar.open), high: price(bar.high), low: price(bar.low), close: price(bar.close),
  });
}

// The session before, in words; lines of it are drawn where they fit the picture.
function describePrevious(previous, decimals) {
  if (!previous) return "";
  const price = (value) => number(value, decimals);
  const day = previous.day.split("-").reverse().slice(0, 2).join("/");
  return t("previous", { day, high: price(previous.high), low: price(previous.low), close: price(previous.close) });
}

function drawPrevious(previous, scale) {
  return ["high", "low", "close"]
    .filter((name) => previous?.[name] > scale.low && previous[name] < scale.high)
    .map((name) => {
      const y = scale.y(previous[name]);
      const group = node("g", { class: "previous" });
      const text = node("text", { x: 2, y: y - 3 });
      text.textContent = t(`previous_${name}`);
      group.append(node("line", { x1: 0, x2: scale.right, y1: y, y2: y }), text);
      return group;
    });
}

// As many of the newest bars as fit, and the alert's with a few before it however old it is.
function visible(bars, marked, room) {
  const wanted = Math.max(20, Math.min(room, bars.length));
  const first = Math.max(0, bars.length - wanted);
  return bars.slice(marked >= 0 ? Math.min(first, Math.max(0, marked - 8)) : first);
}

function levelsOf(alert) {
  return [
    { kind: "target", name: t("target"), price: alert.target },
    { kind: "price", name: t("price"), price: alert.price },
    { kind: "stop", name: t("stop"), price: alert.stop },
  ].filter((level) => Number.isFinite(level.price));
}

function makeScale(prices, bars, width, height) {
  const low = Math.min(...prices);
  const high = Math.max(...prices);
  const margin = (high - low || Math.abs(high) || 1) * 0.04;
  const step = width / (bars + AHEAD);
  return {
    low: low - margin,
    high: high + margin,
    step,
    right: width,
    x: (index) => (index + 0.5) * step,
    y: (price) => TOP + ((high + margin - price) / (high - low + 2 * margin)) * height,
  };
}

function candle(bar, index, scale) {
  const x = scale.x(index);
  const isUp = bar.close >= bar.open;
  const group = node("g", { class: isUp ? "candle up" : "candle down" });
  const body = Math.max(1.5, Math.min(scale.step * 0.66, 11));
  const top = scale.y(Math.max(bar.open, bar.close));
  const bottom = scale.y(Math.min(bar.open, bar.close));
  group.append(
    node("line", { x1: x, x2: x, y1: scale.y(bar.high), y2: scale.y(bar.low) }),
    node("rect", { x: x - body / 2, y: top, width: body, height: Math.max(1, bottom - top) }),
  );
  return group;
}

// The alert's bar: a band behind it and an arrow on the side the trade comes from.
function signal(alert, bar, place, scale, height) {
  const group = node("g", { class: "signal" });
  const width = Math.max(scale.step, 6);
  const x = scale.x(place);
  const isUp = alert.direction > 0;
  const y = isUp ? Math.min(scale.y(bar.low) + 5, height - FOOT - 9) : Math.max(scale.y(bar.high) - 5, TOP + 1);
  const point = isUp ? `M${x} ${y}l5 8h-10z` : `M${x} ${y}l5 -8h-10z`;
  group.append(
    node("rect", { x: x - width / 2, y: 0, width, height: height - FOOT }),
    node("path", { d: point }),
  );
  return group;
}

function drawLevels(labels, alert, scale, place, width) {
  const parts = [];
  const start = place < 0 ? 0 : scale.x(place);
  if (labels.length && Number.isFinite(alert.entry_min) && Number.isFinite(alert.entry_max)) {
    const top = scale.y(Math.max(alert.entry_min, alert.entry_max));
    const bottom = scale.y(Math.min(alert.entry_min, alert.entry_max));
    parts.push(node("rect", {
      class: "entry", x: start, y: top, width: scale.right - start, height: Math.max(2, bottom - top),
    }));
  }
  for (const level of labels) {
    const group = node("g", { class: `level ${level.kind}` });
    const text = node("text", { x: width - 5, y: level.at + 4, "text-anchor": "end" });
    text.textContent = level.text;
    const left = scale.right + 4;
    group.append(
      node("line", { x1: start, x2: scale.right, y1: level.y, y2: level.y }),
      node("rect", { x: left, y: level.at - 8, width: width - left - 1, height: 16, rx: 3 }),
      text,
    );
    parts.push(group);
  }
  return parts;
}

// Labels from top to bottom, pushed apart where they would overlap.
function spread(levels) {
  const sorted = levels.toSorted((a, b) => a.y - b.y);
  sorted.forEach((level, index) => {
    level.at = index ? Math.max(level.y, sorted[index - 1].at + LABEL + 2) : Math.max(level.y, 9);
  });
  return sorted;
}

function grid(scale, decimals, labels, width) {
  const group = node("g", { class: "grid" });
  const step = niceStep((scale.high - scale.low) / 4);
  for (let price = Math.ceil(scale.low / step) * step; price < scale.high; price += step) {
    const y = scale.y(price);
    group.append(node("line", { x1: 0, x2: scale.right, y1: y, y2: y }));
    if (labels.some((level) => Math.abs(level.at - y) < LABEL + 3)) continue;
    const text = node("text", { x: width - 5, y: y + 4, "text-anchor": "end" });
    text.textContent = number(price, Math.max(decimals, decimalsOf([step])));
    group.append(text);
  }
  return group;
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  const times = [1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10;
  return times * power;
}

function times(bars, scale, height) {
  const group = node("g", { class: "times" });
  for (let index = 1; index < bars.length; index += 1) {
    if (DAY.format(bars[index].time) === DAY.format(bars[index - 1].time)) continue;
    const x = index * scale.step;
    group.append(node("line", { x1: x, x2: x, y1: 0, y2: height - FOOT }));
  }
  const every = Math.max(1, Math.ceil(90 / scale.step));
  for (let index = Math.floor(every / 2); index < bars.length; index += every) {
    const x = scale.x(index);
    if (x < 20 || x > scale.right - 16) continue;
    const text = node("text", { x, y: height - 5, "text-anchor": "middle" });
    text.textContent = shown(MINUTE, bars[index].time);
    group.append(text);
  }
  return group;
}

function describe(bars, alert, place, decimals) {
  const last = bars.at(-1);
  const where = place < 0 ? t("chart_says_none") : t("chart_says_bar", { at: shown(MINUTE, instant(alert.bar_time)) });
  return t("chart_says", { n: bars.length, at: shown(MINUTE, last.time), close: number(last.close, decimals), where });
}

// Bars of an answer, those that make no sense left out.
function readBars(rows) {
  if (!Array.isArray(rows)) return [];
  return rows
    .filter((row) => Array.isArray(row) && row.length >= 5 && row.slice(1, 5).every(Number.isFinite))
    .map(([time, open, high, low, close]) => ({ time: instant(time), open, high, low, close }))
    .filter((bar) => bar.time !== null);
}

function node(name, attributes = {}) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
