// Who works here: the token, and what the service says of it.

import { drop, keep, read } from "./store.js";

const KEY = "pult.token";

export const session = { user: null, mayStart: false };

export function token() {
  return read(KEY) ?? "";
}

export function signIn(value, remember) {
  keep(KEY, value, remember);
}

export function signOut() {
  drop(KEY);
  session.user = null;
  session.mayStart = false;
}
