// What was done: runs by source, entity and state, and how long they took.

import { get, query } from "./api.js";
import { chart } from "./chart.js";
import { h, show } from "./dom.js";
import { errorBox } from "./errors.js";
import { dateTime, duration, period } from "./format.js";
import { follow } from "./live.js";
import { badge, RUN_STATES, stateName } from "./marks.js";
import { connection, noConnection } from "./notices.js";
import { codesInWords, codesOf, name, whatOf } from "./orders.js";
import { secondsOf } from "./run.js";
import { allNames, codes } from "./sources.js";
import { t } from "./words.js";

const PAGE = 50;

function select(id, label, options, value, onchange) {
  const field = h("select", { id, onchange }, options.map(([key, text]) => h("option", { value: key }, text)));
  field.value = options.some(([key]) => key === value) ? value : "";
  return { field, node: h("div", { class: "field" }, h("label", { for: id }, label), field) };
}

function row(run) {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("a", { href: `#run/${encodeURIComponent(run.id)}` }, name(whatOf(run.order)), h("span", { class: "code" }, codesInWords(run.order)))),
    h("td", {}, badge(run.state)),
    h("td", { class: "wide-only" }, period(run.order)),
    h("td", {}, dateTime(run.started)),
    h("td", { class: "number" }, duration(secondsOf(run))),
    h("td", { class: "wide-only foreign" }, run.by),
  );
}

export function mount(root, params) {
  const heading = h("h1", { tabindex: "-1" }, t("history.title"));
  const chosen = { code: params.get("code") ?? "", name: params.get("name") ?? "", state: params.get("state") ?? "" };
  const filters = h("form", { class: "row", onsubmit: (event) => event.preventDefault() });
  const drawing = h("div", {});
  const drawingTitle = h("h2", {}, t("chart.title"));
  const body = h("tbody", {});
  const trouble = h("div", {});
  const more = h("div", { class: "more" });
  const empty = h("p", { class: "soft empty", hidden: true }, t("history.none"));
  const head = [["history.what"], ["history.state"], ["history.period", "wide-only"], ["history.started"], ["history.took", "number"], ["history.by", "wide-only"]];
  const table = h(
    "table",
    { class: "history" },
    h("caption", { class: "unseen" }, t("history.title")),
    h("thead", {}, h("tr", {}, head.map(([key, kind]) => h("th", { scope: "col", class: kind }, t(key))))),
    body,
  );
  let runs = [];
  let drawn = { close() {} };
  let due;
  let left = false;

  async function drawFilters() {
    const [sources, names] = await Promise.all([codes(), allNames()]);
    const take = () => {
      const next = { code: code.field.value, name: entity.field.value, state: state.field.value };
      // The address says what is shown, so that it can be kept and sent to somebody.
      history.replaceState(null, "", `#history${query(next)}`);
      Object.assign(chosen, next);
      load();
    };
    const code = select("filter-code", t("choose.code"), [["", t("filter.any")], ...sources.map((one) => [one.code, one.code])], chosen.code, take);
    const entity = select("filter-name", t("choose.name"), [["", t("filter.any")], ...names.map((one) => [one.name, one.name])], chosen.name, take);
    const state = select("filter-state", t("history.state"), [["", t("filter.any")], ...RUN_STATES.map((one) => [one, stateName(one)])], chosen.state, take);
    show(filters, code.node, entity.node, state.node);
  }

  // Durations are only worth comparing between runs of the same kind: without a choice, the newest run's.
  async function drawChart() {
    const newest = runs[0]?.order;
    const kind = chosen.name || chosen.code || !newest ? { name: chosen.name, code: chosen.code } : { name: newest.name ?? "", code: codesOf(newest)[0] ?? "" };
    const durations = await get(`api/durations${query(kind)}`);
    if (left) return;
    drawn.close();
    drawn = chart(durations);
    show(drawingTitle, [t("chart.title"), kind.name || (kind.code ? t("order.whole") : ""), kind.code].filter(Boolean).join(" · "));
    show(drawing, drawn.node);
  }

  function drawRows(fresh, full) {
    show(body, runs.map(row));
    empty.hidden = runs.length > 0;
    table.hidden = runs.length === 0;
    show(more, full ? h("button", { type: "button", class: "plain", onclick: older }, t("history.more")) : null);
  }

  async function older() {
    try {
      const { runs: next } = await get(`api/runs${query({ limit: PAGE, ...chosen, before: runs[runs.length - 1].id })}`);
      const at = runs.length;
      runs = [...runs, ...next];
      drawRows(next, next.length === PAGE);
      body.children[at]?.querySelector("a").focus();
    } catch (refusal) {
      show(trouble, errorBox(refusal));
    }
  }

  async function load() {
    try {
      const { runs: found } = await get(`api/runs${query({ limit: PAGE, ...chosen })}`);
      if (left) return;
      runs = found;
      drawRows(found, found.length === PAGE);
      await drawChart();
      show(trouble);
    } catch (refusal) {
      show(trouble, errorBox(refusal));
    }
  }

  const stream = follow("api/events", {
    take(event) {
      // Further pages are not thrown away under the reader's eyes.
      if ((event === "run" || event === "lagged") && runs.length <= PAGE) due ??= setTimeout(() => {
        due = undefined;
        load();
      }, 1000);
    },
    tell: (how, detail) => how !== "refused" && connection(how, detail),
  });
  show(
    root,
    h("section", { class: "card" }, heading, filters, trouble),
    h("section", { class: "card" }, drawingTitle, drawing),
    h("section", { class: "card" }, h("h2", {}, t("history.runs")), empty, table, more),
  );
  drawFilters().catch((refusal) => show(trouble, errorBox(refusal)));
  load();
  document.title = `${t("history.title")} · pult`;
  return {
    heading,
    keys: { "/": () => filters.querySelector("select")?.focus() },
    unmount() {
      left = true;
      clearTimeout(due);
      stream.close();
      drawn.close();
      noConnection();
    },
  };
}
