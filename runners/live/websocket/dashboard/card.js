"use strict";
// One alert: what to do, where, whether it still can be, and what was done.

const NOTE_LIMIT = 200; // 200 characters of any script fit the server's frame of 1 KiB
const FRESH = 60000;

class Card {
  #age = make("span", "age");
  #marks = make("span", "marks");
  #pick = make("button", "pick");
  #actions = make("div", "actions");
  #standing = make("p", "standing");
  #told = make("p", "told");
  #money = [];
  #taken = null;
  #isChanging = false;
  #do;

  constructor(kind, alert, actions) {
    this.alert = alert;
    this.kind = kind;
    this.#do = actions;
    this.detected = instant(alert.detected_at);
    this.element = make("article", "alert");
    this.element.tabIndex = 0;
    this.element.dataset.severity = SEVERITIES.includes(alert.severity) ? alert.severity : "";
    this.element.classList.toggle("correction", kind === "correction");
    this.element.append(this.#head(), this.#levels(), this.#standing, this.#facts(), this.#told, ...this.#changes(), ...this.#text(), this.#actions);
    this.element.setAttribute("aria-label", say(kind, alert));
    this.element.addEventListener("click", (event) => {
      if (!event.target.closest("button, input, #chart")) actions.pick();
    });
    this.#pick.type = "button";
    this.#pick.addEventListener("click", () => actions.pick());
    this.mark(false);
    this.tick(market.now());
  }

  mark(isSelected) {
    this.element.classList.toggle("selected", isSelected);
    this.#pick.setAttribute("aria-pressed", String(isSelected));
    this.#pick.title = isSelected ? "No gráfico" : "Mostrar no gráfico";
  }

  correct(correction) {
    this.#marks.append(make("span", "mark warn", `CORRIGIDO ${shown(MINUTE, instant(correction.detected_at))}`));
  }

  tick(now) {
    const since = this.detected === null ? null : now - this.detected;
    const text = since === null ? DASH : age(since);
    if (this.#age.textContent === text) return;
    this.#age.textContent = text;
    this.element.classList.toggle("fresh", since !== null && since < FRESH);
  }

  // Say whether it can still be traded, and what stop and target are worth.
  judge(standing, pointValue) {
    const decimals = decimalsOf([this.alert.price, this.alert.stop, this.alert.target]);
    const far = (level) => number((level - standing.price) * this.alert.direction, decimals, "exceptZero");
    const text = standing === null ? "" : standing.kind === "over" ? standing.text
      : `${standing.text} · último ${number(standing.price, decimals)} · até o stop ${far(this.alert.stop)}, até o alvo ${far(this.alert.target)} pts`;
    if (this.#standing.textContent !== text) this.#standing.textContent = text;
    this.element.dataset.standing = standing?.kind ?? "";
    for (const { element, points } of this.#money) {
      const worth = Number.isFinite(pointValue) && Number.isFinite(points) ? reais(points * pointValue) : "";
      if (element.textContent !== worth) element.textContent = worth;
    }
  }

  tell(frame) {
    if (!frame || !Object.hasOwn(ACTIONS, frame.action)) return;
    this.#told.textContent = `${ACTIONS[frame.action]} por ${frame.actor} às ${shown(CLOCK, instant(frame.at))}`;
  }

  // Show what was done, or ask.
  act(taken) {
    if (this.#isChanging && taken === this.#taken) return;
    const hadFocus = this.#actions.contains(document.activeElement);
    this.#taken = taken;
    this.#isChanging = false;
    this.#actions.replaceChildren(...(taken ? this.#done(taken) : this.#ask()));
    if (hadFocus) this.#actions.querySelector("button").focus();
  }

  #head() {
    const { alert } = this;
    const head = make("header");
    const isUp = alert.direction > 0;
    this.#pick.append(
      make("span", `trade ${isUp ? "buy" : "sell"}`, `${isUp ? "▲" : "▼"} ${side(alert.direction).toUpperCase()}`),
      make("span", "pattern", label(WORDS, alert.pattern)),
    );
    if (this.kind === "correction") this.#mark("CORREÇÃO", "warn");
    for (const [key, text] of Object.entries(MARKS)) if (alert[key]) this.#mark(text, "warn");
    if (alert.dry_run) this.#mark("SIMULAÇÃO", "warn");
    if (alert.late) this.#mark("ATRASADO", "warn");
    const when = make("span", "when");
    when.title = "Hora em que o servidor detectou o alerta";
    when.append(make("span", "clock", shown(CLOCK, this.detected)), this.#age);
    const top = make("div", "top");
    top.append(
      make("span", "severity", label(WORDS, alert.severity)),
      make("span", "symbol", `${alert.symbol ?? DASH} ${alert.timeframe ?? ""}`),
      this.#marks,
      when,
    );
    head.append(top, this.#pick);
    return head;
  }

  #mark(text, kind) {
    this.#marks.append(make("span", `mark ${kind}`, text));
  }

  #levels() {
    const { alert } = this;
    const decimals = decimalsOf([alert.price, alert.entry_min, alert.entry_max, alert.stop, alert.target]);
    const price = (value) => number(value, decimals);
    const far = (value) => number((value - alert.price) * alert.direction, decimals, "exceptZero");
    const band = alert.entry_min === alert.entry_max
      ? price(alert.entry_min) : `${price(alert.entry_min)} – ${price(alert.entry_max)}`;
    const list = make("dl", "levels");
    const add = (name, value, detail = "", kind = "") => {
      const box = make("div", kind);
      const shownValue = make("dd", "", value);
      if (detail && detail !== DASH) {
        const money = make("small", "money");
        this.#money.push({ element: money, points: (this.alert[kind] - this.alert.price) * this.alert.direction });
        shownValue.append(make("small", "", `${detail} pts`), money);
      }
      box.append(make("dt", "", name), shownValue);
      list.append(box);
    };
    add("Preço", price(alert.price), "", "price");
    add("Entrada", band, "", "entry");
    add("Stop", price(alert.stop), far(alert.stop), "stop");
    add("Alvo", price(alert.target), far(alert.target), "target");
    return list;
  }

  #facts() {
    const { risk_reward: ratio, confidence } = this.alert;
    const facts = [];
    if (Number.isFinite(ratio)) facts.push(`R:R 1:${number(Math.round(100 * ratio) / 100)}`);
    if (Number.isFinite(confidence)) facts.push(`confiança ${number(100 * confidence, 0)}%`);
    facts.push(`barra ${barSpan(this.alert)}`);
    return make("p", "facts", facts.join(" · "));
  }

  #changes() {
    if (this.kind !== "correction") return [];
    const changes = Object.entries(this.alert.changes ?? {}).map(([name, [before, after]]) => {
      const decimals = decimalsOf([before, after]);
      return `${label(PRICES, name)} ${number(before, decimals)} → ${number(after, decimals)}`;
    });
    const what = changes.length ? ` (${changes.join("; ")})` : "";
    return [make("p", "changes", `A barra foi revista depois do fechamento${what}. O alerta original fica como foi enviado; confira o gráfico.`)];
  }

  #text() {
    return this.alert.text ? [make("p", "text", String(this.alert.text))] : [];
  }

  #ask(before = "") {
    const note = make("input", "note");
    note.type = "text";
    note.maxLength = NOTE_LIMIT;
    note.placeholder = "nota (opcional)";
    note.autocomplete = "off";
    note.value = before;
    note.setAttribute("aria-label", "Nota da ação, opcional");
    const buttons = Object.entries(ACTIONS).map(([key, name]) => {
      const button = make("button", `act ${key}`, name);
      button.type = "button";
      button.addEventListener("click", () => this.#do.act(key, note.value.trim()));
      return button;
    });
    return [...buttons, note];
  }

  #done(taken) {
    const states = {
      waiting: "na fila, será enviada ao reconectar",
      sent: "enviada",
      received: "recebida pelo servidor",
    };
    const done = make("p", `done ${taken.action}`);
    done.append(
      make("strong", "", ACTIONS[taken.action]),
      make("span", "", ` ${shown(CLOCK, taken.at)} · ${states[taken.state]}`),
    );
    if (taken.note) done.append(make("span", "said-note", ` · “${taken.note}”`));
    const change = make("button", "quiet", "Mudar");
    change.type = "button";
    change.addEventListener("click", () => {
      this.#isChanging = true;
      this.#actions.replaceChildren(...this.#ask(taken.note));
      this.#actions.querySelector("button").focus();
    });
    return [done, change];
  }
}

function barSpan(alert) {
  const open = instant(alert.bar_time);
  const close = barClose(alert);
  if (open === null) return DASH;
  const day = DAY.format(open) === DAY.format(Date.now()) ? "" : `${DAY.format(open).slice(0, 5)} `;
  return `${day}${MINUTE.format(open)}${close === null ? "" : `–${MINUTE.format(close)}`}`;
}

// The alert as one sentence, for those who hear it.
function say(kind, alert) {
  const marks = [
    [alert.synthetic, "dados sintéticos"], [alert.replay, "replay"], [kind === "correction", "correção"], [alert.dry_run, "simulação"], [alert.late, "atrasado"],
  ].filter(([holds]) => holds).map(([, word]) => word);
  return [
    ...marks, `severidade ${label(WORDS, alert.severity).toLowerCase()}`,
    `${side(alert.direction)} a ${number(alert.price)}`, label(WORDS, alert.pattern), alert.symbol,
  ].join(", ");
}
