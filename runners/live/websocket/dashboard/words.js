"use strict";
// Labels and numbers as traders write them. Unknown names stand for themselves.

// Filled in with the vocabulary of the mails and texts when the page is put together.
const VOCABULARY = {}; // words
const WORDS = VOCABULARY[LANGUAGE];
const SEVERITIES = ["CRITICO", "ALTO", "MEDIO"];
const ACTIONS = ["executed", "rejected", "ignored"];
const MARKS = ["synthetic", "replay", "dry_run", "late"];
const DASH = "–";
const ZONE = "America/Sao_Paulo";

const CLOCK = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const MINUTE = format({ hour: "2-digit", minute: "2-digit" });
const DAY = format({ day: "2-digit", month: "2-digit", year: "numeric" });
const LONG_DAY = format({ weekday: "long", day: "2-digit", month: "2-digit", year: "numeric" });

function format(fields) {
  return new Intl.DateTimeFormat(LOCALES[LANGUAGE], { timeZone: ZONE, hourCycle: "h23", ...fields });
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
  return new Intl.NumberFormat(LOCALES[LANGUAGE], { ...digits, signDisplay: sign }).format(value);
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
  if (seconds < 60) return t("ago_seconds", { n: seconds });
  if (seconds < 3600) return t("ago_minutes", { n: Math.floor(seconds / 60) });
  const minutes = String(Math.floor(seconds / 60) % 60).padStart(2, "0");
  if (seconds < 86400) return t("ago_hours", { n: Math.floor(seconds / 3600), minutes });
  return t("ago_days", { n: Math.floor(seconds / 86400) });
}

function side(direction) {
  return t(direction > 0 ? "buy" : "sell");
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
