// The address says what is shown: #2021-03-01, #2021-03-01/ALERT, #2021-03-01/move-0.

let shown = { at: 0, what: "" };
let jumped = false;

// What the address asks for; null where it is that of something else on the page.
function asked() {
  const [date, what = ""] = location.hash.slice(1).split("/");
  const at = page.days.findIndex((day) => day.day === date);
  return at < 0 ? null : { at, what };
}

function follow() {
  const place = asked();
  if (!place) return undefined;
  shown = place;
  if (jumped) byId("explorer").scrollIntoView();
  jumped = false;
  return show();
}

function show() {
  const { at, what } = shown;
  const day = page.days[at];
  const chosen = what ? choiceOf(day, what) : null;
  byId("picker").value = String(at);
  byId("earlier").disabled = at === 0;
  byId("later").disabled = at === page.days.length - 1;
  byId("session-note").textContent = counts(day);
  tellChosen(day, chosen);
  listDay(day, chosen);
  const { data, layout } = sessionFigure(day, chosen);
  return Plotly.react(byId("candles"), data, layout, CONFIG);
}

function counts({ moves, alerts }) {
  const captured = moves.filter((move) => move.captured).length;
  const found = page.outcomes.map((outcome) => [outcome, alerts.filter((mark) => mark.outcome === outcome).length]);
  const told = found.filter(([, count]) => count).map(([outcome, count]) => `${word(`${outcome}_many`)} ${count}`);
  const judged = `${word("moves_captured")}: ${captured} ${word("of")} ${moves.length}`;
  return [judged, ...(told.length ? told : [word("no_alerts")])].join(" · ");
}

function tellChosen(day, chosen) {
  const place = byId("chosen");
  place.hidden = !chosen;
  if (!chosen) return;
  const { text } = chosen.mark ?? chosen.move;
  const lines = text.split("<br>").map((line) => element("div", plain(line)));
  place.replaceChildren(...lines, jumpTo(day.day, "the whole session"));
}

function listDay(day, chosen) {
  const row = (address, texts, look, current) => {
    const made = element("li", "", look);
    const link = jumpTo(`${day.day}/${address}`, plain(texts[0]));
    if (current) link.setAttribute("aria-current", "true");
    made.append(link, element("span", plain(texts[1]), "dim"));
    return made;
  };
  byId("day-moves").replaceChildren(...day.moves.map((move, at) => {
    const [size, times, ...rest] = move.text.split("<br>");
    return row(`move-${at}`, [`${times} ${size}`, rest.join(" · ")], fate(move), chosen?.move === move);
  }));
  const alerts = (held) => day.alerts.filter((mark) => (mark.outcome === "suppressed") === held)
    .map((mark) => row(mark.id, mark.headline, mark.outcome, chosen?.mark === mark));
  byId("day-alerts").replaceChildren(...alerts(false));
  byId("day-held").replaceChildren(...alerts(true));
  for (const name of ["moves", "alerts", "held"]) {
    byId(`${name}-count`).textContent = byId(`day-${name}`).children.length;
  }
}

function open(at, what = "") {
  location.hash = [page.days[at].day, what].filter(Boolean).join("/");
}

async function start() {
  byId("picker").addEventListener("change", ({ target }) => open(Number(target.value)));
  byId("earlier").addEventListener("click", () => open(shown.at - 1));
  byId("later").addEventListener("click", () => open(shown.at + 1));
  document.addEventListener("click", ({ target }) => {
    const link = target.closest("a.jump");
    jumped = Boolean(link);
    // The same place again makes no event of its own.
    if (link && link.hash === location.hash) follow();
  });
  window.addEventListener("hashchange", follow);
  dark.addEventListener("change", show);
  shown = asked() ?? { at: page.days.length - 1, what: "" };
  await show();
  performance.mark("candles drawn");
  byId("candles").on("plotly_click", ({ points: [point] }) => {
    if (point.customdata) open(shown.at, point.customdata);
  });
}

if (page.days.length) start();
fillTrades();
watchFigures();
