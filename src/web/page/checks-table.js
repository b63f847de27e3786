// Newest modification times by stage: one value, or before and after a run.

import { h, name } from "./dom.js";
import { t } from "./words.js";

function value(text) {
  return text ? h("span", { class: "when" }, text.replace("T", " ").replace(/\.0+$/, "")) : h("span", { class: "soft" }, t("checks.none"));
}

function after(check) {
  const moved = check.after && check.after !== check.before;
  return [value(check.after), moved ? h("span", { class: "moved" }, ` ▲ ${t("checks.moved")}`) : null];
}

export function checksTable(checks, twice) {
  const column = (key) => h("th", { scope: "col" }, t(key));
  const row = (check) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, check.check),
      h("td", {}, name(check.entity), " ", check.code ? h("span", { class: "code" }, check.code) : null),
      twice ? [h("td", {}, value(check.before)), h("td", {}, after(check))] : h("td", {}, value(check.after ?? check.before)),
      h("td", { class: "foreign warning" }, check.warning ?? ""),
    );
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": t("checks.title") },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, column("checks.check"), column("checks.what"), twice ? [column("checks.before"), column("checks.after")] : column("checks.newest"), column("checks.note"))),
      h("tbody", {}, checks.map(row)),
    ),
  );
}
