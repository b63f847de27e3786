// Calls of the JSON API. Addresses are relative to the page.

import { token } from "./session.js";
import { language, t } from "./words.js";

// What the service refused, in its own words; `status` 0 where it was not reached.
export class Refusal extends Error {
  constructor(status, body) {
    super(body.message || t("error.status", { status: String(status) }));
    this.status = status;
    this.code = body.error ?? "";
    this.hint = body.hint ?? "";
    this.fields = body.fields ?? {};
    // Of a refusal because another run is in the way: its id.
    this.run = typeof body.run === "object" ? (body.run?.id ?? "") : (body.run ?? "");
  }
}

// The server's clock minus ours in milliseconds: how long something has run must not depend on a wrong clock here.
let offset = 0;

export function serverNow() {
  return Date.now() + offset;
}

function compareClocks(response) {
  const there = Date.parse(response.headers.get("Date") ?? "");
  // The header counts whole seconds, so less than two is no difference.
  if (!Number.isNaN(there)) offset = Math.abs(there - Date.now()) > 2000 ? there - Date.now() : 0;
}

// The catalogue's titles come in the language that is asked for.
export function headers(more = {}) {
  const known = token();
  return { "Accept-Language": language(), ...(known ? { Authorization: `Bearer ${known}` } : {}), ...more };
}

export async function refusalOf(response) {
  const text = await response.text().catch(() => "");
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = { message: text.slice(0, 500) };
  }
  return new Refusal(response.status, body ?? {});
}

async function call(method, path, body, signal) {
  let response;
  try {
    response = await fetch(path, {
      method,
      signal,
      cache: "no-store",
      headers: headers(body === undefined ? {} : { "Content-Type": "application/json" }),
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    throw new Refusal(0, { error: "unreachable", message: t("error.unreachable"), hint: t("error.unreachable.hint") });
  }
  compareClocks(response);
  if (!response.ok) throw await refusalOf(response);
  return response.status === 204 ? null : response.json().catch(() => null);
}

export const get = (path, signal) => call("GET", path, undefined, signal);
export const post = (path, body, signal) => call("POST", path, body ?? {}, signal);

// `query({limit: 5, name: ""})` is `?limit=5`: what is empty is not asked for.
export function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}
