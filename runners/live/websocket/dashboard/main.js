"use strict";
// Puts the parts together: what is connected to what, and what the page says of itself.

// Changes of state that are worth interrupting a listener for; a countdown is not.
const SPOKEN = { live: "Conectado.", waiting: "Conexão perdida, reconectando." };

const figures = new Figures();
const market = new Market();
const attention = new Attention();
const narrow = matchMedia("(max-width: 1099px)");
let quietStream = null; // shown while there is no alert
let acknowledged = 0;
let unseen = 0;
let tapped = null; // card whose chart was asked for on a phone
let askTimer = 0;
let announced = [];
let drawing = 0;
let drawnWidth = 0;
let failures = 0;

const link = new Link({
  state: showState,
  message: receive,
  acknowledged: (seq) => { acknowledged = seq; refresh(); },
  bars: keepBars,
  status: hearStatus,
  acted: (frame) => cards.told(frame),
  confirmed: (mark) => actions.confirm(mark),
  beat: askBars,
});
const actions = new Actions(link, (id, taken) => { cards.acted(id, taken); refresh(); });
const cards = new Cards({
  select: () => { placeChart(); redraw(); askSoon(); },
  picked: (card) => {
    tapped = tapped === card ? null : card;
    placeChart();
    redraw();
  },
  act: (alert, action, note) => actions.take(alert, action, note),
});
const filters = new Filters(() => filters.apply(cards.alerts));

// Messages

function receive(message) {
  figures.add(message);
  if (message.remaining < MAX_CARDS) showCard(message);
  if (message.missed) warn(`${count(message.missed, "mensagem não estava", "mensagens não estavam")} mais no servidor quando a conexão voltou; veja a auditoria.`);
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
    warn(`A mensagem nº ${message.seq} não pôde ser mostrada; veja a auditoria.`);
  }
}

// Screen readers are told of alerts that come together in one sentence.
function announce({ kind, data }) {
  if (!filters.lets(data)) return;
  attention.alert(data, `${side(data.direction).toUpperCase()} ${data.symbol} ${number(data.price)}`);
  announced.push({ text: say(kind, data), tone: data.severity === "CRITICO" ? 880 : 620 });
  if (announced.length === 1) setTimeout(speak, 300);
  if (document.hidden) unseen += 1;
  showTitle();
}

function speak() {
  const more = announced.length > 3 ? ` E mais ${announced.length - 3}.` : "";
  find("said").textContent = `${announced.slice(0, 3).map((one) => one.text).join(". ")}.${more}`;
  attention.sound(Math.max(...announced.map((one) => one.tone)));
  announced = [];
}

function showTitle() {
  document.title = unseen ? `(${unseen}) Alertas` : "Alertas";
}

// Bars and chart

function chartStream() {
  return cards.selected?.alert ?? quietStream;
}

function askBars() {
  // The chart's stream, and those whose alerts are the newest: their last price is shown.
  const streams = [chartStream() ?? {}, ...cards.alerts.slice(-50).reverse().map((card) => card.alert)];
  const found = new Map(streams.map((stream) => [streamOf(stream), stream]));
  for (const { symbol, timeframe } of [...found.values()].slice(0, 4)) link.ask(String(symbol ?? ""), String(timeframe ?? ""));
}

// Once for alerts that come together.
function askSoon() {
  askTimer ||= setTimeout(() => { askTimer = 0; askBars(); }, 200);
}

function keepBars(answer) {
  market.keep(answer);
  const stream = chartStream();
  if (stream !== null && streamOf(answer) === streamOf(stream)) redraw();
  showMarket();
  cards.tick(market.now());
}

// A new bar is asked for at once; a change of state is shown.
function hearStatus(frame) {
  if (market.told(frame).length) askSoon();
  showMarket();
}

function showMarket() {
  const stream = chartStream();
  find("market").hidden = stream === null;
  if (stream === null) return;
  find("origin").textContent = market.marks(stream).map((mark) => label(MARKS, mark)).join(" · ");
  find("market-stream").textContent = `${stream.symbol} ${stream.timeframe}`;
  find("market-line").textContent = market.line(stream);
}

// Drawing measures the page; alerts that come in a burst share one drawing.
function redraw() {
  drawing ||= requestAnimationFrame(() => { drawing = 0; draw(); });
}

function draw() {
  const alert = cards.selected?.alert ?? null;
  const stream = chartStream();
  const box = find("chart-box");
  const answer = stream && market.of(stream);
  const known = answer && answer.bars;
  find("chart-title").textContent = stream ? `${stream.symbol} ${stream.timeframe}` : "Gráfico";
  if (!known?.length) {
    const text = !stream ? "O gráfico aparece com o primeiro alerta." : known ? "O servidor ainda não tem barras deste ativo." : "Buscando barras…";
    box.replaceChildren(make("p", "empty", text));
    find("chart-note").textContent = "";
    return;
  }
  drawChart(box, known, alert, answer.facts.previous);
  if (alert === null) {
    find("chart-note").textContent = "à espera do primeiro alerta";
    return;
  }
  const isThere = known.some((bar) => bar.time === instant(alert.bar_time));
  find("chart-note").textContent = isThere
    ? `${label(WORDS, alert.pattern)}, ${side(alert.direction)}, barra ${barSpan(alert)}`
    : `A barra deste alerta (${barSpan(alert)}) não está entre as ${known.length} últimas do servidor.`;
}

// On a phone the chart sits in the card it was asked for on.
function placeChart() {
  const home = find("chart-home");
  const chart = find("chart");
  chart.hidden = narrow.matches && tapped !== cards.selected;
  if (narrow.matches && tapped !== null && !chart.hidden) {
    cards.selected.element.append(chart);
  } else if (chart.parentElement !== home) {
    home.append(chart);
  }
}

// What the page says of itself

function showState(name, { seconds, code, reason, expired }) {
  const texts = {
    connecting: "conectando…",
    catching: "recuperando alertas…",
    live: "conectado",
    waiting: `reconectando em ${seconds} s`,
    refused: expired ? "token vencido" : "token recusado",
  };
  const pill = find("state");
  if (find("state-text").textContent !== texts[name]) find("state-text").textContent = texts[name];
  find("retry").hidden = name !== "waiting";
  find("alerts").setAttribute("aria-busy", String(name === "catching"));
  if (pill.dataset.state === name) return;
  pill.dataset.state = name;
  find("said").textContent = SPOKEN[name] ?? "";
  if (name === "waiting") {
    actions.lost();
    forgetHealth();
    failures += 1;
    if (failures >= 3 && !find("door").hidden) find("door-error").textContent = `Sem conexão com ${location.host}. Confira se o servidor está no ar e se aceita páginas deste endereço.`;
    const why = code === 1008 ? reasonOf(reason) : "";
    warn(why, "connection");
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
  return reason === "too many connections of this token"
    ? "Este token já tem todas as conexões que pode ter; feche outra aba ou programa que o use."
    : "O servidor recusou a conexão por excesso de mensagens.";
}

function refuse(expired) {
  remember("alertas.token", null);
  find("door-error").textContent = expired
    ? "O token venceu. Peça outro a quem administra os alertas."
    : "Token recusado pelo servidor. Confira e tente de novo.";
  find("token").focus();
}

function showDesk(isOpen) {
  if (find("desk").hidden !== isOpen) return;
  find("desk").hidden = !isOpen;
  find("door").hidden = isOpen;
  find("leave").hidden = !isOpen;
  find("sound").hidden = !isOpen;
  find("notify").hidden = !isOpen;
  if (!isOpen) find("market").hidden = true;
  if (isOpen) {
    placeChart();
    redraw();
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
narrow.addEventListener("change", () => {
  find("figures").open = !narrow.matches;
  placeChart();
  redraw();
});
new ResizeObserver(([box]) => {
  const width = Math.floor(box.contentRect.width);
  if (width === drawnWidth || width === 0) return;
  drawnWidth = width;
  redraw();
}).observe(find("chart-box"));
document.addEventListener("visibilitychange", () => {
  unseen = document.hidden ? unseen : 0;
  showTitle();
});
setInterval(() => { cards.tick(market.now()); showMarket(); }, 1000);
setInterval(checkHealth, HEALTH_EVERY);
find("figures").open = !narrow.matches;
find("token").focus();
const remembered = recall("alertas.token", null);
if (typeof remembered === "string") link.open(remembered);
