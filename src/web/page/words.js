// The page's own words in the person's language. What the server says stays as it is.

import en from "./words-en.js";
import ru from "./words-ru.js";
import { keep, read } from "./store.js";

export const LANGUAGES = { en, ru };
const KEY = "pult.language";

function preferred() {
  const kept = read(KEY);
  if (Object.hasOwn(LANGUAGES, kept)) return kept;
  const wanted = (navigator.languages ?? [navigator.language]).map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.find((tag) => Object.hasOwn(LANGUAGES, tag)) ?? "en";
}

let chosen = preferred();
let plurals = new Intl.PluralRules(chosen);

export function language() {
  return chosen;
}

export function otherLanguage() {
  return chosen === "ru" ? "en" : "ru";
}

export function choose(tag) {
  chosen = tag;
  plurals = new Intl.PluralRules(tag);
  keep(KEY, tag, true);
}

// `values.n` chooses the plural form; `{name}` in a text is replaced by `values.name`.
export function t(key, values = {}) {
  const found = LANGUAGES[chosen][key];
  if (found === undefined) {
    console.error(`no words for ${key} in ${chosen}`);
    return key;
  }
  const text = typeof found === "string" ? found : (found[plurals.select(values.n)] ?? found.other);
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? shown(values[name]) : whole));
}

function shown(value) {
  return typeof value === "number" ? new Intl.NumberFormat(chosen).format(value) : String(value);
}
