"use strict";
// Puts the parts together: what is connected to what, and what the page says of itself.

const ASKED = 8; // streams whose bars are asked for at once

translatePage();
const figures = new Figures();
const market = new Market();
const attention = new Attention();
let acknowledged = 0;
let unseen = 0;
let askTimer = 0;
let announced = [];
let failures = 0;

const link = new Link({
  state: showState,
  message: receive,
  acknowledged: (seq) => { acknowledged = seq; refresh(); },
  bars: keepBars,
  status: hearStatus,
  acted: (frame) => { cards.told(frame); actions.confirm(frame); },
  trip: (milliseconds) => figures.sample("trip", milliseconds),
  beat: askBars,
});
const actions = new Actions(link, (id, taken) => { cards.acted(id, taken); refresh(); });
const cards = new Cards({
  select: () => { stage.place(); askSoon(); },
  picked: (card) => stage.toggle(card),
  act: (alert, action, note) => actions.take(alert, action, note),
});
const stage = new Stage(cards);
const filters = new Filters(() => filters.apply(cards.alerts));

// Messages

function receive(message) {
  figures.add(message);
  if (message.remaining < MAX_CARDS) showCard(message);
  if (message.missed) warn(count(message.missed, "missed"));
  if (message.isLive) announce(message);
  askSoon();
  refresh();
}

// An alert that cannot be shown is told of: the desk must not take it for a quiet market.
function showCard(message) {
  try {
    filters.know(message.data);
    cards.add(message, actions.get(message.data.id));
  } catch (error) {
    console.error(error);
    warn(t("unshown", { seq: message.seq }));
  }
}

// Screen readers are told of alerts that come together in one sentence.
function announce({ kind, data }) {
  if (!filters.lets(data)) return;
  attention.alert(kind, data, `${side(data.direction).toUpperCase()} ${data.symbol} ${number(data.price)}`);
  announced.push({ text: say(kind, data), tone: data.severity === "CRITICO" ? 880 : 620 });
  if (announced.length === 1) setTimeout(speak, 300);
  if (document.hidden) unseen += 1;
  showTitle();
}

function speak() {
  const more = announced.length > 3 ? ` ${t("and_more", { n: announced.length - 3 })}` : "";
  find("said").textContent = `${announced.slice(0, 3).map((one) => one.text).join(". ")}.${more}`;
  attention.sound(Math.max(...announced.map((one) => one.tone)));
  announced = [];
}

function showTitle() {
  document.title = unseen ? `(${unseen}) ${t("title")}` : t("title");
}

// Bars

// Of the chart's stream, of streams never asked for, and of those whose alerts are the newest:
// their last price is shown.
function askBars() {
  const newest = cards.alerts.slice(-50).reverse().map((card) => card.alert);
  const unknown = market.followed.filter((stream) => !market.of(stream));
  const streams = [stage.stream, ...unknown, ...newest].filter(Boolean);
  const found = new Map(streams.map((stream) => [streamOf(stream), stream]));
  for (const { symbol, timeframe } of [...found.values()].slice(0, ASKED)) link.ask(String(symbol ?? ""), String(timeframe ?? ""));
}

// Once for alerts that come together.
function askSoon() {
  askTimer ||= setTimeout(() => { askTimer = 0; askBars(); }, 200);
}

function keepBars(answer) {
  market.keep(answer);
  if (stage.stream !== null && streamOf(answer) === streamOf(stage.stream)) stage.redraw();
  tick();
}

// A new bar is asked for at once; a change of state is shown.
function hearStatus(frame) {
  if (market.told(frame).length) askSoon();
  tick();
}

function tick() {
  cards.tick(market.now());
  showStreams(stage.stream);
}

// What the page says of itself

function showState(name, { seconds, code, reason, expired }) {
  const pill = find("state");
  const text = t(name === "refused" && expired ? "state_expired" : `state_${name}`, { seconds });
  if (find("state-text").textContent !== text) find("state-text").textContent = text;
  find("retry").hidden = name !== "waiting";
  find("alerts").setAttribute("aria-busy", String(name === "catching"));
  if (pill.dataset.state === name) return;
  pill.dataset.state = name;
  // Changes that are worth interrupting a listener for; a countdown is not.
  find("said").textContent = ["live", "waiting"].includes(name) ? t(`said_${name}`) : "";
  if (name === "waiting") {
    actions.lost();
    forgetHealth();
    failures += 1;
    if (failures >= 3 && !find("door").hidden) find("door-error").textContent = t("no_server", { host: location.host });
    warn(code === 1008 ? reasonOf(reason) : "", "connection");
  }
  if (name === "catching") {
    showDesk(true);
    actions.flush();
    askSoon();
  }
  if (name === "live") {
    failures = 0;
    warn("", "connection");
    checkHealth();
  }
  if (name === "refused") {
    showDesk(false);
    refuse(expired);
  }
}

function reasonOf(reason) {
  return t(reason === "too many connections of this token" ? "too_many_connections" : "too_many_messages");
}

function refuse(expired) {
  remember("alertas.token", null);
  find("door-error").textContent = t(expired ? "token_expired" : "token_refused");
  find("token").focus();
}

function showDesk(isOpen) {
  if (find("desk").hidden !== isOpen) return;
  find("desk").hidden = !isOpen;
  find("door").hidden = isOpen;
  for (const id of ["leave", "sound", "notify"]) find(id).hidden = !isOpen;
  showStreams(stage.stream);
  if (isOpen) {
    stage.place();
    refresh();
    find("alerts").focus({ preventScroll: true });
  } else {
    notices.clear();
    showNotices();
    find("token").focus();
  }
}

let isRefreshing = false;
function refresh() {
  if (isRefreshing) return;
  isRefreshing = true;
  setTimeout(() => {
    isRefreshing = false;
    figures.show(actions, acknowledged);
    filters.apply(cards.alerts);
  }, 100);
}

find("door-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = find("token").value.trim();
  find("token").value = "";
  find("door-error").textContent = "";
  if (!token) return;
  remember("alertas.token", find("remember").checked ? token : null);
  link.open(token);
});
find("leave").addEventListener("click", () => {
  actions.forget();
  remember("alertas.token", null);
  location.reload(); // and with the page go token, alerts and connection
});
find("reload").addEventListener("click", () => location.reload());
find("retry").addEventListener("click", () => link.retryNow());
document.addEventListener("visibilitychange", () => {
  unseen = document.hidden ? unseen : 0;
  showTitle();
});
setInterval(tick, 1000);
setInterval(checkHealth, HEALTH_EVERY);
find("token").focus();
const remembered = recall("alertas.token", null);
if (typeof remembered === "string") link.open(remembered);
