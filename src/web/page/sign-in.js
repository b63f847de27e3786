// Signing in with a token, and knowing who one is.

import { get } from "./api.js";
import { open } from "./dialogs.js";
import { h, show } from "./dom.js";
import { session, signIn, signOut } from "./session.js";
import { t } from "./words.js";

// Asks the service who the token belongs to. Without one, reading may be allowed all the same.
export async function learnWho() {
  try {
    const who = await get("api/whoami");
    session.user = who?.user ?? null;
    session.mayStart = Boolean(who?.may_start);
    return true;
  } catch (refusal) {
    session.user = null;
    session.mayStart = false;
    if (refusal.status === 401) return false;
    throw refusal;
  }
}

// `left`: on purpose, so that nobody is asked for a token at once.
function changed(left) {
  window.dispatchEvent(new CustomEvent("pult-session", { detail: { left } }));
}

export function leave() {
  signOut();
  changed(true);
}

let asking = false;

export function askToken() {
  if (asking) return;
  asking = true;
  const problem = h("p", { class: "field-error", id: "token-error", role: "alert" });
  const input = h("input", {
    type: "password",
    id: "token",
    name: "token",
    required: true,
    autocomplete: "current-password",
    spellcheck: "false",
    "aria-describedby": "token-error",
    autofocus: true,
  });
  const remember = h("input", { type: "checkbox", id: "remember" });
  const form = h(
    "form",
    { novalidate: true, onsubmit: submit },
    h("label", { for: "token" }, t("sign.token")),
    input,
    problem,
    h("label", { class: "check" }, remember, h("span", {}, t("sign.remember"))),
    h(
      "div",
      { class: "actions" },
      h("button", { type: "submit", class: "primary" }, t("sign.in")),
      h("button", { type: "button", class: "plain", onclick: () => dialog.close() }, t("sign.without")),
    ),
  );
  const dialog = h("dialog", { "aria-labelledby": "sign-title" }, h("h2", { id: "sign-title" }, t("sign.title")), h("p", { class: "soft" }, t("sign.why")), form);

  function wrong(text) {
    show(problem, text);
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }

  async function submit(event) {
    event.preventDefault();
    const given = input.value.trim();
    if (!given) return wrong(t("sign.empty"));
    signIn(given, remember.checked);
    try {
      if (!(await learnWho())) {
        signOut();
        return wrong(t("sign.wrong"));
      }
    } catch (refusal) {
      signOut();
      return wrong(refusal.message);
    }
    dialog.close();
    return changed(false);
  }

  open(dialog, () => {
    asking = false;
  });
}
