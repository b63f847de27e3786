// Shortcuts. By the key's place, so that they are the same in a Cyrillic layout; they can be switched off, since a
// person who speaks to the computer types letters unawares.

import { anyOpen, ask } from "./dialogs.js";
import { h } from "./dom.js";
import { keep, read } from "./store.js";
import { t } from "./words.js";

const KEY = "pult.keys";
const NAMES = ["/", "s", "c", "r", "n", "h", "k", "?"];

function pressed(event) {
  if (event.key === "?" || event.key === "/") return event.key;
  if (event.code === "Slash") return event.shiftKey ? "?" : "/";
  return event.code.startsWith("Key") ? event.code.slice(3).toLowerCase() : "";
}

function typing(target) {
  return target instanceof Element && target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;
}

export const areOn = () => read(KEY) !== "off";

// `actions()` gives the present view's; `always` those of every view.
export function listen(actions, always) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || anyOpen() || typing(event.target) || !areOn()) return;
    const name = pressed(event);
    const action = actions()[name] ?? always[name];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

export function explain() {
  const on = h("input", { type: "checkbox", checked: areOn(), onchange: () => keep(KEY, on.checked ? "on" : "off", true) });
  return ask({
    title: t("keys.title"),
    body: [
      h("dl", { class: "keys" }, NAMES.map((name) => h("div", {}, h("dt", {}, h("kbd", {}, name)), h("dd", {}, t(`keys.${name}`)))), h("div", {}, h("dt", {}, h("kbd", {}, "Esc")), h("dd", {}, t("keys.escape")))),
      h("label", { class: "check" }, on, h("span", {}, t("keys.on"))),
    ],
    actions: [{ value: "", label: t("close"), kind: "primary", safe: true }],
  });
}
