// What can be synchronised: the catalogue as the service tells it, asked once.

import { get } from "./api.js";

let asked = new Map();

function once(path) {
  if (!asked.has(path)) {
    const answer = get(path);
    asked.set(path, answer);
    answer.catch(() => asked.delete(path));
  }
  return asked.get(path);
}

export function forget() {
  asked = new Map();
}

export const catalogue = () => once("api/catalogue");
export const codes = () => once("api/codes");
const names = (code) => once(`api/codes/${encodeURIComponent(code)}/names`);

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
