// A session as run.plot draws it: candles, moves and alerts by their places.

function sessionFigure(day, chosen) {
  const style = page.styles[theme()];
  const view = chosen ? chosen.view : wholeView(day.candles);
  const proposed = chosen && chosen.mark ? proposal(chosen.mark, day.candles, style.look) : NOTHING;
  return {
    data: [
      candles(day.candles, style.look),
      ...legs(day.moves, style.look),
      ...strip(day.moves, view, style.look),
      ...proposed.traces,
      ...markers(day, style.markers),
    ],
    layout: {
      ...style.layout,
      title: { ...style.layout.title, text: heading(day) },
      hovermode: "closest",
      // A finger that moves scrolls the page.
      dragmode: touched ? false : "pan",
      bargap: 0,
      margin: MARGIN,
      shapes: [...bands(day.moves, style.look), ...proposed.shapes, ...outline(chosen, style.look)],
      annotations: proposed.annotations,
      xaxis: { ...style.layout.xaxis, ...timeAxis(day.candles.time, view.places, style.look) },
      yaxis: {
        ...style.layout.yaxis, domain: day.moves.length ? [0.14, 1] : [0, 1], zeroline: false,
        tickformat: page.axis_format, ...(view.prices ? { range: view.prices } : { autorange: true }),
      },
      yaxis2: { domain: [0, 0.12], visible: false, range: [0, 1], fixedrange: true },
      legend: { ...style.layout.legend, y: -0.08, yanchor: "top", itemsizing: "constant" },
    },
  };
}

// Pixels a time of day takes below the candles, with the room beside it.
const LABEL_WIDTH = 48;
const MARGIN = { l: 56, r: 14, t: 34, b: 40 };
const NOTHING = { traces: [], shapes: [], annotations: [] };

// A picture that is saved has nothing else to say what it shows.
function heading({ symbol, timeframe, day, synthetic }) {
  const made = synthetic ? ` <b>${word("synthetic")}</b>` : "";
  return `${escaped(symbol)} ${escaped(timeframe)} ${day}${made}`;
}

function candles(bars, look) {
  return {
    type: "candlestick", x: bars.time.map((_, place) => place),
    open: bars.open, high: bars.high, low: bars.low, close: bars.close,
    // Grey: colours are for moves and outcomes.
    increasing: { line: { color: look.dim, width: 1 }, fillcolor: look.paper },
    decreasing: { line: { color: look.dim, width: 1 }, fillcolor: look.dim },
    text: bars.time.map((time, place) => candleText(bars, place)),
    hoverinfo: "text", showlegend: false, name: "",
  };
}

function candleText(bars, place) {
  const shown = ["open", "high", "low", "close"].map((key) => `${word(key)} ${price(bars[key][place])}`);
  return [`<b>${bars.time[place].replace("T", " ")}</b>`, ...shown].join("<br>");
}

function timeAxis(times, [first, last], look) {
  const minutes = times.map((time) => 60 * Number(time.slice(11, 13)) + Number(time.slice(14, 16)));
  const { steps } = page.geometry;
  const width = byId("candles").clientWidth - MARGIN.l - MARGIN.r;
  const labels = Math.min(page.geometry.labels + 2, Math.floor(width / LABEL_WIDTH));
  const round = (step) => minutes.flatMap((minute, place) => (minute % step ? [] : [place]));
  const seen = (places) => places.filter((place) => first <= place && place <= last).length;
  const step = steps.find((one) => seen(round(one)) <= labels) ?? steps.at(-1);
  const places = round(step);
  return {
    anchor: "y2", range: [first, last], showgrid: false, zeroline: false, ticks: "outside",
    tickcolor: look.dim, tickmode: "array", tickvals: places,
    ticktext: places.map((place) => times[place].slice(11, 16)), tickangle: 0, rangeslider: { visible: false },
  };
}

function bands(moves, look) {
  return moves.map((move) => ({
    type: "rect", layer: "below", xref: "x", yref: "y domain",
    x0: move.start, x1: move.end, y0: 0, y1: 1,
    fillcolor: look[fate(move)], opacity: 0.09, line: { width: 0 },
  }));
}

const fate = (move) => (move.captured ? "captured" : "missed");

function byFate(moves, draw) {
  const kinds = [true, false].map((captured) => moves.filter((move) => move.captured === captured));
  return kinds.filter((kind) => kind.length).map((kind) => draw(kind, fate(kind[0])));
}

function legs(moves, look) {
  return byFate(moves, (kind, name) => ({
    type: "scatter", mode: "lines", opacity: 0.75, hoverinfo: "skip",
    x: kind.flatMap((move) => [move.start, move.end, null]),
    y: kind.flatMap((move) => [move.start_price, move.end_price, null]),
    line: { color: look[name], width: 3, dash: name === "captured" ? "solid" : "dash" },
    name: `${word(name)} (${kind.length})`,
  }));
}

// A bar below each move says its size and counts its alerts.
function strip(moves, view, look) {
  return byFate(moves, (kind, name) => ({
    type: "bar", yaxis: "y2", name: "", showlegend: false,
    x: kind.map((move) => (move.start + move.end) / 2),
    width: kind.map((move) => move.end - move.start), y: kind.map(() => 1),
    marker: {
      color: `${look[name]}33`, line: { color: look[name], width: 1 },
      pattern: { shape: name === "captured" ? "" : "/", fgcolor: `${look[name]}33` },
    },
    text: kind.map((move) => stripText(move, view)), textposition: "inside",
    insidetextanchor: "middle", textangle: 0, textfont: { color: look.ink, size: 12 },
    hovertext: kind.map((move) => move.text), hoverinfo: "text",
  }));
}

function stripText(move, { places: [first, last] }) {
  const wide = move.end - move.start >= page.geometry.writable * (last - first);
  if (!wide || move.start < first || last < move.end) return "";
  const counts = Object.entries(page.signs).flatMap(([outcome, sign]) =>
    (move.alerts[outcome] ? [`${sign}${move.alerts[outcome]}`] : []));
  const size = price(Math.abs(move.end_price - move.start_price));
  return `${arrow(move.direction)} ${size}<br>${counts.join(" ") || "–"}`;
}

function markers(day, looks) {
  const height = Math.max(...day.candles.high) - Math.min(...day.candles.low) || 1;
  const { near, far } = page.geometry;
  return [...page.outcomes].reverse().flatMap((outcome) => {
    const marks = day.alerts.filter((mark) => mark.outcome === outcome);
    if (!marks.length) return [];
    const away = height * (outcome === "suppressed" ? near : far);
    return [{
      type: "scatter", mode: "markers", marker: looks[outcome],
      x: marks.map((mark) => mark.place), y: marks.map((mark) => beside(mark, day.candles, away)),
      name: `${word(outcome)} (${marks.length})`, customdata: marks.map((mark) => mark.id),
      hovertext: marks.map((mark) => mark.text), hoverinfo: "text",
      legendrank: 1100 + page.outcomes.indexOf(outcome),
    }];
  });
}

function beside(mark, bars, away) {
  return mark.direction > 0 ? bars.low[mark.place] - away : bars.high[mark.place] + away;
}
