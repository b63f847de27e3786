// What is how old: the checks of one entity in one data source, asked when the person wants it.

import { get, query } from "./api.js";
import { checksTable } from "./checks-table.js";
import { h, show } from "./dom.js";
import { besideFields, errorBox } from "./errors.js";
import { codes, commonNames } from "./sources.js";
import { speak } from "./spoken.js";
import { t } from "./words.js";

const choice = { code: "", name: "" };

export function mount(root, params) {
  const heading = h("h1", { tabindex: "-1" }, t("checks.title"));
  const code = h("select", { id: "check-code", "aria-describedby": "check-code-error" });
  const name = h("select", { id: "check-name", "aria-describedby": "check-name-error" });
  const slots = { code: h("p", { class: "field-error", id: "check-code-error" }), name: h("p", { class: "field-error", id: "check-name-error" }) };
  const fields = { code: { slot: slots.code, controls: () => [code] }, name: { slot: slots.name, controls: () => [name] } };
  const answer = h("div", { class: "answer" });
  const look = h("button", { type: "submit", class: "primary" }, t("checks.look"));
  if (params.has("code")) choice.code = params.get("code");
  if (params.has("name")) choice.name = params.get("name");

  async function fillNames() {
    const asked = code.value;
    choice.code = asked;
    const list = asked ? await commonNames([asked]) : [];
    // Answers may overtake each other.
    if (code.value !== asked) return;
    show(name, list.map((one) => h("option", { value: one.name }, one.title && one.title !== one.name ? `${one.name} — ${one.title}` : one.name)));
    if (list.some((one) => one.name === choice.name)) name.value = choice.name;
  }

  async function fill() {
    try {
      const list = await codes();
      show(code, list.map((one) => h("option", { value: one.code }, one.title && one.title !== one.code ? `${one.code} — ${one.title}` : one.code)));
      if (list.some((one) => one.code === choice.code)) code.value = choice.code;
      await fillNames();
    } catch (refusal) {
      show(answer, errorBox(refusal));
    }
  }

  async function ask(event) {
    event.preventDefault();
    Object.assign(choice, { code: code.value, name: name.value });
    look.disabled = true;
    show(answer, h("p", { class: "soft" }, t("checks.looking")));
    try {
      const found = await get(`api/checks${query(choice)}`);
      besideFields(fields, {});
      show(answer, checksTable(found, false));
      speak(t("checks.spoken", { n: found.length }));
    } catch (refusal) {
      const homeless = besideFields(fields, refusal.fields ?? {});
      show(answer, Object.keys(refusal.fields ?? {}).length && !homeless.length ? null : errorBox(refusal));
    }
    look.disabled = false;
  }

  code.addEventListener("change", () => fillNames().catch((refusal) => show(answer, errorBox(refusal))));
  show(
    root,
    h(
      "section",
      { class: "card" },
      heading,
      h("p", { class: "soft" }, t("checks.explained")),
      h(
        "form",
        { class: "row", novalidate: true, onsubmit: ask },
        h("div", { class: "field" }, h("label", { for: "check-code" }, t("choose.code")), code, slots.code),
        h("div", { class: "field" }, h("label", { for: "check-name" }, t("choose.name")), name, slots.name),
        look,
      ),
      answer,
    ),
  );
  fill();
  document.title = `${t("checks.title")} · pult`;
  return { heading, keys: { "/": () => code.focus() }, unmount() {} };
}
