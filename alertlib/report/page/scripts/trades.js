// The table of all trades, sorted by the column whose head is pressed.

const CELLS = { text: (value) => value, price, signed: result };

function fillTrades() {
  const table = byId("trades-table");
  const { columns, rows } = page.trades;
  const head = table.createTHead().insertRow();
  columns.forEach((column, at) => {
    const cell = element("th", "", column.look);
    const button = element("button", column.head);
    button.type = "button";
    button.addEventListener("click", () => sortTrades(table, at));
    cell.scope = "col";
    cell.append(button);
    head.append(cell);
  });
  table.createTBody().append(...rows.map((row) => tradeRow(columns, row)));
}

function tradeRow(columns, { address, values }) {
  const made = element("tr");
  made.values = values;
  made.append(...columns.map((column, at) => {
    const cell = element("td", "", column.look);
    const text = values[at] === null ? "–" : CELLS[column.kind](values[at]);
    cell.append(at === 0 && address ? jumpTo(address, text) : text);
    if (column.kind === "signed") cell.classList.add(values[at] < 0 ? "bad" : "good");
    return cell;
  }));
  return made;
}

function sortTrades(table, at) {
  const heads = [...table.tHead.rows[0].cells];
  const ascending = heads[at].getAttribute("aria-sort") !== "ascending";
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[at].setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const sign = ascending ? 1 : -1;
  const rows = [...table.tBodies[0].rows];
  rows.sort(({ values: { [at]: a } }, { values: { [at]: b } }) => sign * compared(a, b));
  table.tBodies[0].append(...rows);
}

function compared(a, b) {
  return a === b ? 0 : a === null ? -1 : b === null ? 1 : a < b ? -1 : 1;
}
