// What can be synchronised: the catalogue as the service tells it, asked once in each language.

import { get } from "./api.js";
import { language } from "./words.js";

let asked = new Map();

function once(path) {
  const key = `${language()} ${path}`;
  if (!asked.has(key)) {
    const answer = get(path);
    asked.set(key, answer);
    answer.catch(() => asked.delete(key));
  }
  return asked.get(key);
}

export function forget() {
  asked = new Map();
}

export const catalogue = () => once("api/catalogue");
export const codes = () => once("api/codes");

// Codes of one group have the same entities, so one of them is asked; pseudo-codes are for themselves.
async function names(code) {
  const list = await codes();
  const known = list.find((one) => one.code === code);
  const like = known && !known.virtual ? list.find((one) => one.group === known.group && !one.virtual).code : code;
  return once(`api/codes/${encodeURIComponent(like)}/names`);
}

// Entities that every one of the codes has.
export async function commonNames(chosen) {
  const [first = [], ...others] = await Promise.all(chosen.map(names));
  const sets = others.map((list) => new Set(list.map(({ name }) => name)));
  return first.filter(({ name }) => sets.every((set) => set.has(name)));
}

// Every entity of every code, in the catalogue's order, for a filter.
export async function allNames() {
  const lists = await Promise.all((await codes()).map(({ code }) => names(code)));
  const known = new Map();
  for (const entry of lists.flat()) if (!known.has(entry.name)) known.set(entry.name, entry);
  return [...known.values()];
}
