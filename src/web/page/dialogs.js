// Questions to the person, in the page. Escape closes each and means no.

import { freshId, h } from "./dom.js";
import { t } from "./words.js";

// Asks; gives the chosen action's value, or null. `actions`: {value, label, kind: "primary" | "danger" | "plain"};
// the first of them that is `safe` has the focus.
export function ask({ title, body = [], actions }) {
  return new Promise((resolve) => {
    const name = freshId("dialog");
    const buttons = actions.map(({ value, label, kind, safe }) =>
      h("button", { type: "button", class: kind, autofocus: safe, onclick: () => dialog.close(value) }, label),
    );
    const dialog = h(
      "dialog",
      { "aria-labelledby": name },
      h("h2", { id: name }, title),
      body,
      h("div", { class: "actions" }, buttons),
    );
    open(dialog, () => resolve(dialog.returnValue || null));
  });
}

// Shows it until it is closed, and takes it away.
export function open(dialog, closed = () => {}) {
  dialog.addEventListener("cancel", () => {
    dialog.returnValue = "";
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed();
  });
  document.body.append(dialog);
  dialog.showModal();
}

export function anyOpen() {
  return document.querySelector("dialog[open]") !== null;
}

// One that only tells something.
export function tell(title, body) {
  return ask({ title, body, actions: [{ value: "", label: t("close"), kind: "primary", safe: true }] });
}
