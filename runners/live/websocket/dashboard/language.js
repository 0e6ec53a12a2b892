"use strict";
// In which language the page speaks: as the address asks, as chosen here, as the server's texts.

const TEXTS = {}; // by language: filled by texts-….js
const LANGUAGES = ["pt-BR", "en"];
const LOCALES = { "pt-BR": "pt-BR", en: "en-GB" };
// Filled in with the language of alerts and mails when the page is put together.
const CONFIGURED = "pt-BR"; // language
const LANGUAGE = chooseLanguage();

function chooseLanguage() {
  const wanted = [new URLSearchParams(location.search).get("lang"), recall("alertas.language", null)];
  return wanted.map(knownLanguage).find(Boolean) ?? CONFIGURED;
}

// The page's own name of a language: "en" for "en-US"; undefined for one it does not speak.
function knownLanguage(name) {
  return LANGUAGES.find((known) => known.slice(0, 2) === String(name).slice(0, 2).toLowerCase());
}

// A text of the table; `{name}` in it is replaced by the value of that name.
function t(key, values = {}) {
  return TEXTS[LANGUAGE][key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

function count(n, key) {
  return t(n === 1 ? `${key}_one` : `${key}_many`, { n: number(n) });
}

// The texts that stand in the page from the start.
function translatePage() {
  document.documentElement.lang = LANGUAGE;
  document.title = t("title");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
  const other = LANGUAGES.find((one) => one !== LANGUAGE);
  for (const button of document.querySelectorAll(".language")) {
    button.lang = other;
    button.textContent = TEXTS[other].read_this;
    button.addEventListener("click", () => {
      remember("alertas.language", other);
      location.assign(location.pathname); // without a language in the address
    });
  }
  // A browser that speaks the other language is shown the way before it signs in.
  find("offer").hidden = navigator.languages.map(knownLanguage).find(Boolean) !== other;
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
