"use strict";
// The list of alerts, the newest first, and never more than so many.

const MAX_CARDS = 200;
const NOTE_LIMIT = 200; // 200 characters of any script fit the server's frame of 1 KiB
const FRESH = 60000;

class Cards {
  #cards = new Map(); // newest last
  #list = find("alerts");
  #left = 0;
  #on;
  #selected = null;
  #follows = true;

  // `on` has select(card) and act(alert, action, note).
  constructor(on) {
    this.#on = on;
    this.#list.addEventListener("keydown", (event) => this.#move(event));
  }

  get selected() { return this.#selected; }

  has(id) { return this.#cards.has(id); }

  add({ kind, seq, data }, taken) {
    const known = this.#cards.get(data.id);
    if (kind === "correction") known?.correct(data);
    const key = kind === "correction" ? `${data.id} ${data.revision ?? seq}` : data.id;
    if (this.#cards.has(key)) return;
    const card = new Card(kind, data, {
      pick: () => this.select(card, this.#isNewest(card)),
      act: (action, note) => this.#on.act(data, action, note),
    });
    card.key = key;
    card.act(taken);
    this.#cards.set(key, card);
    this.#list.prepend(card.element);
    this.#trim();
    // Whoever writes a note is not interrupted.
    if (this.#follows && !document.activeElement?.matches(".note")) this.select(card, true);
    find("empty").hidden = true;
  }

  acted(id, taken) {
    for (const card of this.#cards.values()) if (card.alert.id === id) card.act(taken);
  }

  // Show a card on the chart; one that `follows` gives way to the next alert.
  select(card, follows) {
    this.#follows = follows;
    if (card === this.#selected) return;
    this.#selected?.mark(false);
    this.#selected = card;
    card.mark(true);
    this.#on.select(card);
  }

  tick(now) {
    for (const card of this.#cards.values()) card.tick(now);
  }

  #isNewest(card) { return card.element === this.#list.firstElementChild; }

  #trim() {
    while (this.#cards.size > MAX_CARDS) {
      const oldest = [...this.#cards.values()].find((card) => card !== this.#selected);
      oldest.element.remove();
      this.#cards.delete(oldest.key);
      this.#left += 1;
    }
    const older = find("older");
    older.hidden = this.#left === 0;
    older.textContent = `A lista guarda os ${MAX_CARDS} mais novos; os outros estão na auditoria.`;
  }

  // Arrow keys walk from card to card.
  #move(event) {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    const card = event.target.closest("article");
    if (!step || !card || event.target.matches("input")) return;
    const next = card[step];
    if (next?.matches("article")) {
      event.preventDefault();
      next.focus();
    }
  }
}

class Card {
  #age = make("span", "age");
  #marks = make("span", "marks");
  #pick = make("button", "pick");
  #actions = make("div", "actions");
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
    this.element.append(this.#head(), this.#levels(), this.#facts(), ...this.#changes(), ...this.#text(), this.#actions);
    this.element.setAttribute("aria-label", say(kind, alert));
    this.element.addEventListener("click", (event) => {
      if (!event.target.closest("button, input, #chart")) actions.pick();
    });
    this.#pick.type = "button";
    this.#pick.addEventListener("click", () => actions.pick());
    this.mark(false);
    this.tick(Date.now());
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
      make("span", "pattern", label(WORDS, alert.pattern)),
      make("span", `trade ${isUp ? "buy" : "sell"}`, `${isUp ? "▲" : "▼"} ${side(alert.direction)}`),
    );
    if (this.kind === "correction") this.#mark("CORREÇÃO", "warn");
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
      if (detail && detail !== DASH) shownValue.append(make("small", "", `${detail} pts`));
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
    [kind === "correction", "correção"], [alert.dry_run, "simulação"], [alert.late, "atrasado"],
  ].filter(([holds]) => holds).map(([, word]) => word);
  return [
    ...marks, `severidade ${label(WORDS, alert.severity).toLowerCase()}`,
    label(WORDS, alert.pattern), `${side(alert.direction)} a ${number(alert.price)}`, alert.symbol,
  ].join(", ");
}
