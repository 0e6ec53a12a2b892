"use strict";
// Labels and numbers as traders write them. Unknown names stand for themselves.

// Filled in with the vocabulary of the mails and texts when the page is put together.
const WORDS = {}; // words
const SEVERITIES = ["CRITICO", "ALTO", "MEDIO"];
const ACTIONS = { executed: "Executada", rejected: "Rejeitada", ignored: "Ignorada" };
const PRICES = { open: "abertura", high: "máxima", low: "mínima", close: "fechamento" };
const DASH = "–";
const ZONE = "America/Sao_Paulo";

const CLOCK = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const MINUTE = format({ hour: "2-digit", minute: "2-digit" });
const DAY = format({ day: "2-digit", month: "2-digit", year: "numeric" });
const LONG_DAY = format({ weekday: "long", day: "2-digit", month: "2-digit", year: "numeric" });

function format(fields) {
  return new Intl.DateTimeFormat("pt-BR", { timeZone: ZONE, hourCycle: "h23", ...fields });
}

function label(table, key) {
  return Object.hasOwn(table, key) ? table[key] : String(key ?? DASH);
}

// A time of the server; null where there is none that can be read.
function instant(iso) {
  const time = typeof iso === "string" ? Date.parse(iso) : NaN;
  return Number.isNaN(time) ? null : time;
}

function shown(formatter, time) {
  return time === null ? DASH : formatter.format(time);
}

function number(value, decimals = null, sign = "auto") {
  if (!Number.isFinite(value)) return DASH;
  const digits = decimals === null
    ? { maximumFractionDigits: 8 }
    : { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return new Intl.NumberFormat("pt-BR", { ...digits, signDisplay: sign }).format(value);
}

// Decimals that show every one of these prices in full, so that they line up.
function decimalsOf(prices) {
  const lengths = prices
    .filter(Number.isFinite)
    .map((price) => (price.toFixed(8).replace(/0+$/, "").split(".")[1] ?? "").length);
  return Math.max(0, ...lengths);
}

// Minutes of a bar: M5 is 5, H1 is 60; null for a timeframe of another kind.
function minutesOf(timeframe) {
  const found = /^([MHD])(\d{1,4})$/.exec(timeframe ?? "");
  return found && { M: 1, H: 60, D: 1440 }[found[1]] * Number(found[2]);
}

// Close of an alert's bar, the first moment at which it could be known.
function barClose(alert) {
  const open = instant(alert.bar_time);
  const minutes = minutesOf(alert.timeframe);
  return open === null || minutes === null ? null : open + 60000 * minutes;
}

function age(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `há ${seconds} s`;
  if (seconds < 3600) return `há ${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) {
    return `há ${Math.floor(seconds / 3600)} h ${String(Math.floor(seconds / 60) % 60).padStart(2, "0")}`;
  }
  return `há ${Math.floor(seconds / 86400)} d`;
}

function side(direction) {
  return direction > 0 ? "compra" : "venda";
}

function count(n, one, many) {
  return `${number(n)} ${n === 1 ? one : many}`;
}

// An element with text; texts of the server reach the page only through here and textContent.
function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

function find(id) {
  return document.getElementById(id);
}

// What this browser remembers; where storage is off, until the page is reloaded.
function recall(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function remember(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage is off or full.
  }
}
