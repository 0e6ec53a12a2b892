"use strict";
// The chart: of which stream, and where on the page. On a phone it opens in the card it was
// asked for on.

class Stage {
  #cards;
  #narrow = matchMedia("(max-width: 1099px)");
  #tapped = null; // card whose chart was asked for on a phone
  #drawing = 0;
  #drawnWidth = 0;

  constructor(cards) {
    this.#cards = cards;
    this.#narrow.addEventListener("change", () => this.#arrange());
    new ResizeObserver(([box]) => {
      const width = Math.floor(box.contentRect.width);
      if (width === this.#drawnWidth || width === 0) return;
      this.#drawnWidth = width;
      this.redraw();
    }).observe(find("chart-box"));
    this.#arrange();
  }

  // The selected alert's, or the first that the server follows while there is none.
  get stream() { return this.#cards.selected?.alert ?? market.followed[0] ?? null; }

  // A card was picked by hand: on a phone once more puts the chart away.
  toggle(card) {
    this.#tapped = this.#tapped === card ? null : card;
    if (this.#narrow.matches) this.#cards.follow(this.#tapped === null);
    this.place();
  }

  place() {
    const selected = this.#cards.selected;
    const isOpen = this.#narrow.matches && this.#tapped !== null && this.#tapped === selected;
    const chart = find("chart");
    chart.hidden = this.#narrow.matches && !isOpen;
    if (isOpen) selected.element.append(chart);
    else if (chart.parentElement !== find("chart-home")) find("chart-home").append(chart);
    this.#cards.unfold(isOpen ? selected : null);
    this.redraw();
  }

  // Drawing measures the page; alerts that come in a burst share one drawing.
  redraw() {
    this.#drawing ||= requestAnimationFrame(() => { this.#drawing = 0; this.#draw(); });
  }

  #arrange() {
    find("figures").open = !this.#narrow.matches;
    this.place();
  }

  #draw() {
    const alert = this.#cards.selected?.alert ?? null;
    const stream = this.stream;
    const answer = stream && market.of(stream);
    const known = answer && answer.bars;
    find("chart-title").textContent = stream ? `${stream.symbol} ${stream.timeframe}` : t("chart");
    if (!known?.length) {
      const text = t(!stream ? "chart_empty" : known ? "chart_no_bars" : "chart_asking");
      find("chart-box").replaceChildren(make("p", "empty", text));
      find("chart-note").textContent = "";
      return;
    }
    drawChart(find("chart-box"), known, alert, answer.facts.previous);
    find("chart-note").textContent = alert === null ? t("chart_waits") : this.#note(alert, known);
  }

  #note(alert, known) {
    const span = barSpan(alert);
    const isThere = known.some((bar) => bar.time === instant(alert.bar_time));
    if (!isThere) return t("chart_gone", { span, n: known.length });
    return t("chart_note", { pattern: label(WORDS, alert.pattern), side: side(alert.direction), span });
  }
}
