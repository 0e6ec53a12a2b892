// What is pointed at in a session: an alert with its proposal and trade, or a move.

function wholeView(bars) {
  return { places: [-1, bars.time.length], prices: null };
}

function choiceOf(day, what) {
  const move = day.moves[what.startsWith("move-") ? Number(what.slice(5)) : -1];
  if (move) return { move, view: around(day.candles, move.start, move.end, []) };
  const mark = day.alerts.find((one) => one.id.startsWith(what));
  if (!mark) return null;
  const levels = [mark.stop, mark.target];
  return { mark, view: around(day.candles, mark.place, proposalEnd(mark, day.candles), levels) };
}

function around(bars, start, end, levels) {
  const { before, after } = page.geometry;
  const first = Math.max(start - before, 0);
  const last = Math.min(end + after, bars.time.length + Math.floor(after / 2));
  const low = Math.min(...bars.low.slice(first, last + 1), ...levels);
  const high = Math.max(...bars.high.slice(first, last + 1), ...levels);
  const margin = 0.08 * (high - low);
  return { places: [first - 1, last + 1], prices: [low - margin, high + margin] };
}

function proposalEnd(mark, bars) {
  const ended = mark.exit ? mark.exit[0] : mark.place;
  return Math.min(Math.max(ended, mark.place + page.geometry.shortest), bars.time.length - 1);
}

function outline(chosen, look) {
  if (!chosen || !chosen.move) return [];
  const { start, end, start_price: from, end_price: to } = chosen.move;
  return [{
    type: "rect", x0: start - 0.5, x1: end + 0.5, y0: from, y1: to,
    line: { color: look.ink, width: 2, dash: "dot" },
  }];
}

function proposal(mark, bars, look) {
  const first = mark.place;
  const last = proposalEnd(mark, bars);
  const box = (x0, x1, y0, y1, fillcolor, opacity, rest = {}) =>
    ({ type: "rect", layer: "below", x0, x1, y0, y1, fillcolor, opacity, line: { width: 0 }, ...rest });
  const levels = [
    ["target", mark.target, look.captured], ["entry", mark.price, look.dim], ["stop", mark.stop, look.fp],
  ];
  return {
    traces: mark.entry && mark.exit ? [trade(mark, look)] : [],
    shapes: [
      box(first, last, mark.price, mark.target, look.captured, 0.14),
      box(first, last, mark.price, mark.stop, look.fp, 0.14),
      box(first, last, mark.entry_min, mark.entry_max, look.dim, 0.3),
      box(first - 0.5, first + 0.5, 0, 1, look.ink, 0.12, { yref: "y domain" }),
      ...levels.map(([key, y, color]) => ({
        type: "line", x0: first, x1: last, y0: y, y1: y,
        line: { color, width: 1.5, dash: key === "entry" ? "dot" : "solid" },
      })),
    ],
    annotations: levels.map(([key, y]) => ({
      x: last, y, text: `${word(key)} ${price(y)}`, showarrow: false, xanchor: "left", xshift: 4,
      font: { color: look.ink, size: 11 }, bgcolor: look.paper, opacity: 0.85,
    })),
  };
}

function trade({ entry: [entered, from], exit: [left, to] }, look) {
  return {
    type: "scatter", mode: "lines+markers", name: word("trade"), hoverinfo: "text",
    x: [entered, left], y: [from, to],
    line: { color: look.ink, width: 1.5, dash: "dot" },
    marker: {
      symbol: ["triangle-right", "square"], size: 11, color: look.ink,
      line: { color: look.paper, width: 1 },
    },
    hovertext: [`${word("entry")} ${price(from)}`, `${word("exit")} ${price(to)}`],
  };
}
