// What was done: runs by source, entity and state, and how long they took.

import { get, query } from "./api.js";
import { chart } from "./chart.js";
import { h, name, show } from "./dom.js";
import { errorBox } from "./errors.js";
import { dateTime, duration, period } from "./format.js";
import { follow } from "./live.js";
import { badge, RUN_STATES, stateName } from "./marks.js";
import { connection, noConnection } from "./notices.js";
import { codesInWords, codesOf, whatOf } from "./orders.js";
import { secondsOf } from "./run-state.js";
import { allNames, codes } from "./sources.js";
import { t } from "./words.js";

const PAGE = 50;
const CHARTED = 100; // Runs that are looked through for the drawing.

const kind = (order) => JSON.stringify([order.name ?? "", [...codesOf(order)].sort(), Boolean(order.undated_only)]);

function select(id, label, options, value, onchange) {
  const field = h("select", { id, onchange }, options.map(([key, text]) => h("option", { value: key }, text)));
  field.value = options.some(([key]) => key === value) ? value : "";
  return { field, node: h("div", { class: "field" }, h("label", { for: id }, label), field) };
}

function row(run) {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("a", { href: `#run/${encodeURIComponent(run.id)}` }, name(whatOf(run.order)), " ", h("span", { class: "code" }, codesInWords(run.order)))),
    h("td", { class: "mark-only" }, badge(run.state)),
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
  const head = [["history.what"], ["history.state", "mark-only"], ["history.period", "wide-only"], ["history.started"], ["history.took", "number"], ["history.by", "wide-only"]];
  const table = h(
    "table",
    { class: "history" },
    h("caption", { class: "unseen" }, t("history.title")),
    h("thead", {}, h("tr", {}, head.map(([key, kind]) => h("th", { scope: "col", class: kind }, h("span", {}, t(key)))))),
    body,
  );
  let runs = [];
  let drawn = { close() {} };
  let drawnOf;
  let due;
  let left = false;
  let turn = 0;

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

  // Only durations of the same thing are worth comparing: of what the newest run that fits did.
  async function drawChart() {
    const mine = turn;
    const newest = runs[0]?.order;
    const code = newest && codesOf(newest)[0];
    const alike = newest ? (await get(`api/runs${query({ limit: CHARTED, name: newest.name, code })}`)).runs : [];
    if (left || mine !== turn) return;
    const told = alike.filter((run) => kind(run.order) === kind(newest)).map((run) => ({ run: run.id, started: run.started, seconds: run.seconds, state: run.state }));
    // What stands there already stays, opened as it is.
    const mark = JSON.stringify([told, newest && kind(newest)]);
    if (mark === drawnOf) return;
    drawnOf = mark;
    drawn.close();
    drawn = chart(told.reverse());
    show(drawingTitle, [t("chart.title"), newest && whatOf(newest), newest && codesInWords(newest)].filter(Boolean).join(" · "));
    show(drawing, drawn.node);
  }

  function drawRows(full) {
    const focused = body.contains(document.activeElement) ? document.activeElement.getAttribute("href") : undefined;
    show(body, runs.map(row));
    if (focused) [...body.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
    empty.hidden = runs.length > 0;
    table.hidden = runs.length === 0;
    show(more, full ? h("button", { type: "button", class: "plain", onclick: older }, t("history.more")) : null);
  }

  async function older() {
    try {
      const { runs: next } = await get(`api/runs${query({ limit: PAGE, ...chosen, before: runs[runs.length - 1].id })}`);
      const at = runs.length;
      runs = [...runs, ...next];
      drawRows(next.length === PAGE);
      body.children[at]?.querySelector("a").focus();
    } catch (refusal) {
      show(trouble, errorBox(refusal));
    }
  }

  async function load() {
    turn += 1;
    const mine = turn;
    try {
      const { runs: found } = await get(`api/runs${query({ limit: PAGE, ...chosen })}`);
      // Answers may overtake each other.
      if (left || mine !== turn) return;
      runs = found;
      drawRows(found.length === PAGE);
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
