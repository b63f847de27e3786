// An order in words, for headings and tables.

import { period } from "./format.js";
import { t } from "./words.js";

export function codesOf(order) {
  return order.codes?.length ? order.codes : order.code ? [order.code] : [];
}

// More than four codes do not fit a line.
export function codesInWords(order) {
  const codes = codesOf(order);
  return codes.length > 4 ? `${codes.slice(0, 3).join(", ")} ${t("codes.more", { n: codes.length - 3 })}` : codes.join(", ");
}

export function whatOf(order) {
  return order.name || (order.undated_only ? t("order.undated") : t("order.whole"));
}

export function inWords(order) {
  return [whatOf(order), codesInWords(order), period(order)].filter(Boolean).join(" · ");
}

// The page's address that has the same choice made.
export function again(order) {
  const values = new URLSearchParams(codesOf(order).map((code) => ["code", code]));
  for (const key of ["name", "month", "year"]) if (order[key]) values.set(key, order[key]);
  if (order.undated_only) values.set("undated", "1");
  if (order.checks) values.set("checks", "1");
  return `#start?${values}`;
}
