// Numbers, moments and durations as the chosen language writes them.

import { language } from "./words.js";

const made = new Map();

// The chosen language as it is written where the person is: en-GB, where the browser says so.
function locale() {
  const known = navigator.languages ?? [];
  return known.find((tag) => tag.toLowerCase().startsWith(`${language()}-`)) ?? language();
}

// Making a formatter costs far more than using it.
function formatter(kind, options) {
  const key = `${locale()} ${kind.name} ${JSON.stringify(options)}`;
  if (!made.has(key)) made.set(key, new kind(locale(), options));
  return made.get(key);
}

export function number(value) {
  return formatter(Intl.NumberFormat, {}).format(value);
}

export function percent(share) {
  return formatter(Intl.NumberFormat, { style: "percent", maximumFractionDigits: 0 }).format(share);
}

function unit(value, name, digits = 0) {
  return formatter(Intl.NumberFormat, { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: digits }).format(value);
}

// Seconds as a person says them: two units at most. `whole` for one that is still counting.
export function duration(seconds, whole = false) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "";
  const all = Math.max(0, seconds);
  if (all < 10 && !whole) return unit(all, "second", all < 1 ? 2 : 1);
  const rounded = whole ? Math.floor(all) : Math.round(all);
  if (rounded < 60) return unit(rounded, "second");
  const hours = Math.floor(rounded / 3600);
  const minutes = Math.floor((rounded % 3600) / 60);
  if (hours > 0) return minutes > 0 ? `${unit(hours, "hour")} ${unit(minutes, "minute")}` : unit(hours, "hour");
  const rest = rounded % 60;
  return rest > 0 ? `${unit(minutes, "minute")} ${unit(rest, "second")}` : unit(minutes, "minute");
}

function moment(text, options) {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? String(text ?? "") : formatter(Intl.DateTimeFormat, options).format(at);
}

// In English a month in figures may be taken for the day.
const day = () => ({ day: "2-digit", month: language() === "en" ? "short" : "2-digit" });

export function dateTime(text) {
  return moment(text, { ...day(), year: "numeric", hour: "2-digit", minute: "2-digit" });
}

export function dateTimeExact(text) {
  return moment(text, { ...day(), year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

export function dayShort(text) {
  return moment(text, day());
}

// For lines of a log, all of one width.
export function clock(text) {
  return moment(text, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
}

export function monthName(month) {
  return formatter(Intl.DateTimeFormat, { month: "long", timeZone: "UTC" }).format(new Date(Date.UTC(2000, month - 1, 1)));
}

// A month of the order, as `July 2019`; nothing for an order without one.
export function period(order) {
  return order.month && order.year ? `${monthName(order.month)} ${order.year}` : "";
}
