"use strict";
// One alert: what to do, where, whether it still can be, and what was done.

const NOTE_LIMIT = 200; // 200 characters of any script fit the server's frame of 1 KiB
const FRESH = 60000;
const PRICES = ["open", "high", "low", "close"];

class Card {
  #age = make("span", "age");
  #marks = make("span", "marks");
  #pick = make("button", "pick");
  #chart = make("button", "quiet show-chart");
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
    this.element.dataset.id = alert.id;
    this.element.dataset.severity = SEVERITIES.includes(alert.severity) ? alert.severity : "";
    this.element.classList.toggle("correction", kind === "correction");
    this.element.append(this.#head(), this.#levels(), this.#standing, this.#facts(), this.#chart, this.#told, ...this.#changes(), this.#actions);
    this.element.setAttribute("aria-label", say(kind, alert));
    this.element.addEventListener("click", (event) => {
      if (!event.target.closest("button, input, #chart")) actions.pick();
    });
    for (const button of [this.#pick, this.#chart]) {
      button.type = "button";
      button.addEventListener("click", () => actions.pick());
    }
    this.unfold(false);
    this.mark(false);
    this.tick(market.now());
  }

  mark(isSelected) {
    this.element.classList.toggle("selected", isSelected);
    this.#pick.setAttribute("aria-pressed", String(isSelected));
    this.#pick.title = t(isSelected ? "on_chart" : "to_chart");
  }

  // On a phone: whether the chart is open in this card.
  unfold(isOpen) {
    this.#chart.textContent = t(isOpen ? "chart_close" : "chart_open");
    this.#chart.setAttribute("aria-expanded", String(isOpen));
  }

  correct(correction) {
    this.#marks.append(make("span", "mark warn", t("mark_corrected", { at: shown(MINUTE, instant(correction.detected_at)) })));
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
      : t("far", {
        standing: standing.text, price: number(standing.price, decimals),
        stop: far(this.alert.stop), target: far(this.alert.target),
      });
    if (this.#standing.textContent !== text) this.#standing.textContent = text;
    this.element.dataset.standing = standing?.kind ?? "";
    for (const { element, points } of this.#money) {
      const worth = Number.isFinite(pointValue) && Number.isFinite(points) ? reais(points * pointValue) : "";
      if (element.textContent !== worth) element.textContent = worth;
    }
  }

  tell(frame) {
    if (!ACTIONS.includes(frame?.action)) return;
    this.#told.textContent = t("told", {
      action: t(frame.action), actor: frame.actor, at: shown(CLOCK, instant(frame.at)),
    });
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
    this.#marks.append(...marksOf(this.kind, alert).map((key) => make("span", "mark warn", t(`mark_${key}`))));
    const when = make("span", "when");
    when.title = t("detected_title");
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
        shownValue.append(make("small", "", t("points", { n: detail })), money);
      }
      box.append(make("dt", "", name), shownValue);
      list.append(box);
    };
    add(t("price"), price(alert.price), "", "price");
    add(t("entry"), band, "", "entry");
    add(t("stop"), price(alert.stop), far(alert.stop), "stop");
    add(t("target"), price(alert.target), far(alert.target), "target");
    return list;
  }

  #facts() {
    const { risk_reward: ratio, confidence } = this.alert;
    const facts = [];
    if (Number.isFinite(ratio)) facts.push(t("risk_reward", { ratio: number(Math.round(100 * ratio) / 100) }));
    if (Number.isFinite(confidence)) facts.push(t("confidence", { percent: number(100 * confidence, 0) }));
    facts.push(t("bar", { span: barSpan(this.alert) }));
    return make("p", "facts", facts.join(" · "));
  }

  #changes() {
    if (this.kind !== "correction") return [];
    const changes = Object.entries(this.alert.changes ?? {}).map(([name, [before, after]]) => {
      const decimals = decimalsOf([before, after]);
      return `${PRICES.includes(name) ? t(name) : name} ${number(before, decimals)} → ${number(after, decimals)}`;
    });
    const what = changes.length ? ` (${changes.join("; ")})` : "";
    return [make("p", "changes", t("revised", { what }))];
  }

  #ask(before = "") {
    const note = make("input", "note");
    note.type = "text";
    note.maxLength = NOTE_LIMIT;
    note.placeholder = t("note");
    note.autocomplete = "off";
    note.value = before;
    note.setAttribute("aria-label", t("note_label"));
    const buttons = ACTIONS.map((key) => {
      const button = make("button", `act ${key}`, t(key));
      button.type = "button";
      button.addEventListener("click", () => this.#do.act(key, note.value.trim()));
      return button;
    });
    return [...buttons, note];
  }

  #done(taken) {
    const done = make("p", `done ${taken.action}`);
    done.append(
      make("strong", "", t(taken.action)),
      make("span", "", ` ${shown(CLOCK, taken.at)} · ${t(`action_${taken.state}`)}`),
    );
    if (taken.note) done.append(make("span", "said-note", ` · “${taken.note}”`));
    const change = make("button", "quiet", t("change"));
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
  return `${DAY.format(open).slice(0, 5)} ${MINUTE.format(open)}${close === null ? "" : `–${MINUTE.format(close)}`}`;
}

// What sets an alert apart from an ordinary one.
function marksOf(kind, alert) {
  return [...(kind === "correction" ? [kind] : []), ...MARKS.filter((key) => alert[key])];
}

// The alert as one sentence, for those who hear it.
function say(kind, alert) {
  return [
    ...marksOf(kind, alert).map((key) => t(`mark_in_words_${key}`)),
    t("severity_of", { severity: label(WORDS, alert.severity).toLowerCase() }),
    t("trade_at", { side: side(alert.direction), price: number(alert.price) }),
    label(WORDS, alert.pattern), alert.symbol,
  ].join(", ");
}
