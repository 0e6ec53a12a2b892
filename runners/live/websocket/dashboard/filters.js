"use strict";
// Which alerts of the list are shown, and the dates between them. Remembered in this browser.

const FILTERS = ["symbol", "timeframe", "pattern", "severity"];

class Filters {
  #chosen = recall("alertas.filters", {});
  #changed;

  constructor(changed) {
    this.#changed = changed;
    for (const name of FILTERS) {
      const select = find(`filter-${name}`);
      select.addEventListener("change", () => this.#choose(name, select.value));
      if (this.#chosen[name]) this.#offer(name, this.#chosen[name]);
    }
    find("filter-today").checked = Boolean(this.#chosen.today);
    find("filter-today").addEventListener("change", (event) => this.#choose("today", event.target.checked));
    find("filter-none").addEventListener("click", () => this.#clear());
  }

  // An alert's own values can be chosen from then on.
  know(alert) {
    for (const name of FILTERS) this.#offer(name, String(alert[name] ?? ""));
  }

  lets(alert) {
    const { today } = this.#chosen;
    return FILTERS.every((name) => !this.#chosen[name] || String(alert[name]) === this.#chosen[name])
      && (!today || DAY.format(instant(alert.bar_time) ?? 0) === market.today(alert));
  }

  // Hide what is filtered out, and dates above nothing; says how many are hidden.
  apply(cards) {
    let left = 0;
    for (const card of cards) {
      card.element.hidden = !this.lets(card.alert);
      left += card.element.hidden;
    }
    for (const day of document.querySelectorAll("#alerts .day")) {
      let next = day.nextElementSibling;
      while (next?.matches("article[hidden]")) next = next.nextElementSibling;
      day.hidden = !next?.matches("article");
    }
    find("filtered").textContent = left ? count(left, "hidden") : "";
    find("filter-none").hidden = !left;
  }

  #offer(name, value) {
    const select = find(`filter-${name}`);
    if (!value || [...select.options].some((option) => option.value === value)) return;
    const option = make("option", "", label(WORDS, value));
    option.value = value;
    select.append(option);
    if (this.#chosen[name] === value) select.value = value;
  }

  #choose(name, value) {
    this.#chosen[name] = value;
    remember("alertas.filters", this.#chosen);
    this.#changed();
  }

  #clear() {
    this.#chosen = {};
    for (const name of FILTERS) find(`filter-${name}`).value = "";
    find("filter-today").checked = false;
    remember("alertas.filters", null);
    this.#changed();
  }
}

// The date above an alert's day.
function dayOf(alert) {
  const open = instant(alert.bar_time);
  return open === null ? "" : LONG_DAY.format(open);
}
