// The order form: data sources, entity or everything, month. Keeps the choice while the person looks elsewhere.

import { freshId, h, show } from "./dom.js";
import { besideFields } from "./errors.js";
import { monthField } from "./months.js";
import { catalogue, codes, commonNames } from "./sources.js";
import { t } from "./words.js";

const choice = { codes: new Set(), name: "", month: 0, year: 0, undated: false, checks: false };

// A link from a run that is to be done again.
export function prefill(params) {
  if (!params.has("code")) return;
  choice.codes = new Set(params.getAll("code"));
  choice.name = params.get("name") ?? "";
  choice.undated = params.has("undated");
  choice.checks = params.has("checks");
  if (params.has("month")) Object.assign(choice, { month: Number(params.get("month")), year: Number(params.get("year")) });
}

const titled = (key, title) => (title && title !== key ? `${key} — ${title}` : key);

// `changed(order)` is called with the order, or null while something is missing.
export function chooser({ changed, failed }) {
  const slot = (id) => h("p", { class: "field-error", id });
  const slots = { code: slot("error-code"), name: slot("error-name"), month: slot("error-month") };
  const sources = h("fieldset", { class: "field sources", "aria-describedby": "error-code" });
  const name = h("select", { id: "name", "aria-describedby": "error-name", onchange: takeName });
  const months = monthField(choice, slots.month, tell);
  const undated = h("input", { type: "checkbox", checked: choice.undated, onchange: takeFlags });
  const checks = h("input", { type: "checkbox", checked: choice.checks, onchange: takeFlags });
  const undatedRow = h("label", { class: "check" }, undated, h("span", {}, t("choose.undated")));
  const boxes = () => [...sources.querySelectorAll("input")];
  const code = { slot: slots.code, controls: boxes };
  const ofMonth = (control) => ({ slot: slots.month, controls: () => [control] });
  const fields = { code, codes: code, name: { slot: slots.name, controls: () => [name] }, month: ofMonth(months.month), year: ofMonth(months.year) };
  let names = [];

  const dated = () => (choice.name ? Boolean(names.find((one) => one.name === choice.name)?.dated) : !choice.undated);

  function order() {
    const chosen = boxes().filter(({ checked }) => checked).map(({ value }) => value);
    if (!chosen.length) return null;
    return {
      ...(chosen.length === 1 ? { code: chosen[0] } : { codes: chosen }),
      ...(choice.name ? { name: choice.name } : {}),
      ...(dated() ? { month: choice.month, year: choice.year } : {}),
      ...(!choice.name && choice.undated ? { undated_only: true } : {}),
      checks: choice.checks,
    };
  }

  function tell() {
    months.node.hidden = !dated();
    undatedRow.hidden = choice.name !== "";
    besideFields(fields, {});
    changed(order());
  }

  function takeName() {
    choice.name = name.value;
    tell();
  }

  function takeFlags() {
    Object.assign(choice, { undated: undated.checked, checks: checks.checked });
    tell();
  }

  async function drawNames() {
    const asked = choice.codes;
    const found = asked.size ? await commonNames([...asked]) : [];
    // Answers may overtake each other: only the newest choice counts.
    if (choice.codes !== asked) return;
    names = found;
    const option = (one) => h("option", { value: one.name }, titled(one.name, one.title));
    const group = (key, list) => (list.length ? h("optgroup", { label: t(key) }, list.map(option)) : null);
    show(
      name,
      h("option", { value: "" }, names.length ? t("choose.whole", { n: names.length }) : t("order.whole")),
      group("choose.dated", names.filter((one) => one.dated)),
      group("choose.plain", names.filter((one) => !one.dated)),
    );
    if (!names.some((one) => one.name === choice.name)) choice.name = "";
    name.value = choice.name;
  }

  async function takeCodes() {
    choice.codes = new Set(boxes().filter(({ checked }) => checked).map(({ value }) => value));
    try {
      await drawNames();
    } catch (refusal) {
      failed(refusal);
    }
    tell();
  }

  function chip({ code: value, title }) {
    const box = h("input", { type: "checkbox", name: "code", value, checked: choice.codes.has(value), onchange: takeCodes });
    return h("label", { class: "pick" }, box, h("span", {}, h("b", { class: "code" }, value), " ", title && title !== value ? h("small", {}, title) : null));
  }

  function drawGroup(title, list) {
    const id = freshId("group");
    // Pseudo-codes stand for several at once: taking them together with the rest would do things twice.
    const real = list.filter((one) => !one.virtual).map((one) => one.code);
    const all = () => {
      const mine = boxes().filter(({ value }) => real.includes(value));
      const every = mine.every(({ checked }) => checked);
      for (const box of mine) box.checked = !every;
      takeCodes();
    };
    return h(
      "div",
      { class: "group", role: "group", "aria-labelledby": id },
      h("div", { class: "group-head" }, h("span", { id }, title), real.length > 1 ? h("button", { type: "button", class: "link", onclick: all, "aria-label": t("choose.every.of", { group: title }) }, t("choose.every")) : null),
      h("div", { class: "picks" }, list.map(chip)),
    );
  }

  async function fill() {
    try {
      const [list, about] = await Promise.all([codes(), catalogue()]);
      months.between(about?.min_period, about?.max_period);
      const groups = new Map();
      for (const one of list) {
        const title = one.group_title ?? one.group;
        groups.set(title, [...(groups.get(title) ?? []), one]);
      }
      show(sources, h("legend", {}, t("choose.codes")), [...groups].map(([title, members]) => drawGroup(title, members)), slots.code);
      await takeCodes();
    } catch (refusal) {
      failed(refusal);
    }
  }

  const node = h(
    "div",
    { class: "choose" },
    sources,
    h("div", { class: "field" }, h("label", { for: "name" }, t("choose.name")), name, slots.name),
    undatedRow,
    months.node,
    h("label", { class: "check" }, checks, h("span", {}, t("choose.checks"), " ", h("small", { class: "soft" }, t("choose.checks.cost")))),
  );
  show(sources, h("legend", {}, t("choose.codes")), slots.code);
  fill();
  return {
    node,
    order,
    // The API's messages by field; what is about no field comes back.
    refuse: (messages) => besideFields(fields, messages),
    missing() {
      besideFields(fields, { code: t("choose.missing") });
      boxes()[0]?.focus();
    },
    focus: () => (boxes().find(({ checked }) => checked) ?? boxes()[0])?.focus(),
  };
}
