"use strict";
// The list of alerts, the newest first, and never more than so many.

const MAX_CARDS = 200;

class Cards {
  #cards = new Map(); // newest last
  #list = find("alerts");
  #told = new Map(); // by alert, the newest action the server told of
  #left = 0;
  #on;
  #selected = null;
  #follows = true;

  // `on` has select(card), picked(card) by hand, and act(alert, action, note).
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
      pick: () => {
        this.select(card, this.#isNewest(card));
        this.#on.picked(card);
      },
      act: (action, note) => this.#on.act(data, action, note),
    });
    card.key = key;
    card.act(taken);
    card.tell(this.#told.get(data.id));
    this.#cards.set(key, card);
    this.#place(card);
    this.#trim();
    // Whoever writes a note is not interrupted.
    if (this.#follows && !document.activeElement?.matches(".note")) this.select(card, true);
    find("empty").hidden = true;
  }

  // What anybody did, this page included: kept for corrections that are still to come.
  told(frame) {
    this.#told.delete(frame.id);
    this.#told.set(frame.id, frame);
    if (this.#told.size > 2 * MAX_CARDS) this.#told.delete(this.#told.keys().next().value);
    for (const card of this.#cards.values()) if (card.alert.id === frame.id) card.tell(frame);
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

  // Whether the next alert is selected: not while somebody reads another, or a chart on a phone.
  follow(follows) { this.#follows = follows; }

  // Say on every card whether the chart is open in it.
  unfold(open) {
    for (const card of this.#cards.values()) card.unfold(card === open);
  }

  tick(now) {
    for (const card of this.#cards.values()) {
      card.tick(now);
      card.judge(market.standing(card.alert), market.of(card.alert)?.facts.point_value);
    }
  }

  get alerts() { return [...this.#cards.values()]; }

  #isNewest(card) { return card.element === this.#list.querySelector("article"); }

  // On top, below its date.
  #place(card) {
    const day = dayOf(card.alert);
    let head = this.#list.firstElementChild;
    if (head?.textContent !== day) {
      head = make("h3", "day", day);
      this.#list.prepend(head);
    }
    head.after(card.element);
  }

  #trim() {
    while (this.#cards.size > MAX_CARDS) {
      const oldest = [...this.#cards.values()].find((card) => card !== this.#selected);
      const before = oldest.element.previousElementSibling;
      if (before?.matches(".day") && !oldest.element.nextElementSibling?.matches("article")) before.remove();
      oldest.element.remove();
      this.#cards.delete(oldest.key);
      this.#left += 1;
    }
    const older = find("older");
    older.hidden = this.#left === 0;
    older.textContent = t("older", { n: MAX_CARDS });
  }

  // Arrow keys walk from card to card.
  #move(event) {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    const card = event.target.closest("article");
    if (!step || !card || event.target.matches("input")) return;
    let next = card[step];
    while (next && (next.hidden || !next.matches("article"))) next = next[step];
    if (next?.matches("article")) {
      event.preventDefault();
      next.focus();
    }
  }
}
