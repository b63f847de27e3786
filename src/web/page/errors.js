// Refusals of the service where the person sees them: its message, its hint, and the way on.

import { h, show } from "./dom.js";
import { askToken } from "./sign-in.js";
import { t } from "./words.js";

export function errorBox(refusal) {
  return h(
    "div",
    { class: "error-box", role: "alert" },
    h("p", { class: "error-text" }, refusal.message),
    refusal.hint ? h("p", { class: "hint" }, refusal.hint) : null,
    refusal.run ? h("p", {}, h("a", { href: `#run/${encodeURIComponent(refusal.run)}` }, t("error.run"))) : null,
    refusal.status === 401 ? h("p", {}, h("button", { type: "button", class: "primary", onclick: askToken }, t("sign.in"))) : null,
  );
}

// Puts each field's message beside its field. `fields`: name → {slot, controls}. Gives the messages that have no place.
export function besideFields(fields, messages) {
  const homeless = [];
  for (const { slot, controls } of Object.values(fields)) {
    show(slot);
    for (const control of controls()) control.removeAttribute("aria-invalid");
  }
  for (const [name, message] of Object.entries(messages)) {
    const field = fields[name];
    if (!field) {
      homeless.push(`${name}: ${message}`);
      continue;
    }
    field.slot.append(h("span", {}, message));
    for (const control of field.controls()) control.setAttribute("aria-invalid", "true");
  }
  return homeless;
}
