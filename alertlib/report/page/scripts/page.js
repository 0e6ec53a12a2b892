// What the page was given, and how it writes.

const touched = matchMedia("(pointer: coarse)").matches;
const CONFIG = {
  displaylogo: false, responsive: true,
  // What is looked at stays here.
  showSendToCloud: false, plotlyServerURL: "",
  // On a telephone buttons lie over the titles.
  displayModeBar: touched || matchMedia("(max-width: 40rem)").matches ? false : "hover",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
};
const page = JSON.parse(document.getElementById("page-data").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");

const byId = (id) => document.getElementById(id);
const theme = () => (dark.matches ? "dark" : "light");
const word = (key) => page.words[key];
const arrow = (direction) => (direction > 0 ? "▲" : "▼");

const decimals = page.decimals ?? 8;
const prices = new Intl.NumberFormat("en", {
  minimumFractionDigits: page.decimals ?? 0, maximumFractionDigits: decimals,
});
const results = new Intl.NumberFormat("en", {
  minimumFractionDigits: 2, maximumFractionDigits: 2, signDisplay: "exceptZero",
});
const price = (value) => prices.format(value);
const result = (value) => results.format(value);

// Texts come as plotly wants them, with marks and entities; a list shows their words alone.
function plain(text) {
  return new DOMParser().parseFromString(text, "text/html").body.textContent;
}

// What plotly shows may hold marks: a symbol's are none.
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function element(tag, text = "", look = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = look;
  return made;
}

function jumpTo(address, text) {
  const link = element("a", text, "jump");
  link.href = `#${address}`;
  return link;
}
