// Durations of runs over time as a drawing, with its data as a table and its essence in words.

import { h, show, svg } from "./dom.js";
import { dateTime, dayShort, duration } from "./format.js";
import { shape, stateName } from "./marks.js";
import { t } from "./words.js";

const HEIGHT = 240;
const EDGE = { top: 16, right: 16, bottom: 44, left: 76 };
const ROOM = 9; // Points stand no closer, so that their shapes can be told apart.
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];

export function median(values) {
  if (!values.length) return null;
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// Round values of an axis from 0 that reaches `most`: about four.
function scale(most) {
  const step = STEPS.find((one) => most / one <= 5) ?? Math.ceil(most / 5);
  const count = Math.max(1, Math.ceil(most / step));
  return { top: step * count, marks: Array.from({ length: count + 1 }, (_, index) => index * step) };
}

function essence(runs) {
  const good = runs.filter(({ state }) => state === "ok").map(({ seconds }) => seconds);
  const newest = runs[runs.length - 1];
  const parts = [t("chart.count", { n: runs.length })];
  if (good.length) parts.push(t("chart.median", { time: duration(median(good)) }), t("chart.range", { from: duration(Math.min(...good)), to: duration(Math.max(...good)) }));
  parts.push(t("chart.newest", { time: duration(newest.seconds), state: stateName(newest.state) }));
  return parts.join(" · ");
}

function draw(runs, width, words) {
  const { top, marks } = scale(Math.max(...runs.map(({ seconds }) => seconds), 0.1));
  const inner = { width: width - EDGE.left - EDGE.right, height: HEIGHT - EDGE.top - EDGE.bottom };
  const y = (seconds) => EDGE.top + inner.height * (1 - seconds / top);
  const x = (index) => EDGE.left + (inner.width * (index + 0.5)) / runs.length;
  const middle = median(runs.filter(({ state }) => state === "ok").map(({ seconds }) => seconds));
  const every = Math.max(1, Math.ceil(runs.length / Math.max(1, Math.floor(inner.width / 56))));
  const label = (at, up, text, props) => svg("text", { x: at, y: up, ...props }, text);
  const grid = marks.map((value) => [
    svg("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }),
    label(EDGE.left - 8, y(value) + 4, value === 0 ? "0" : duration(value), { class: "axis", "text-anchor": "end" }),
  ]);
  const dates = runs.map((run, index) => (index % every ? null : label(x(index), HEIGHT - EDGE.bottom + 18, dayShort(run.started), { class: "axis", "text-anchor": "middle" })));
  const stems = runs.map((run, index) => svg("line", { class: `stem ${run.state}`, x1: x(index), x2: x(index), y1: y(0), y2: y(run.seconds) }));
  const points = runs.map((run, index) =>
    svg(
      "g",
      { class: "point", transform: `translate(${x(index) - 8} ${y(run.seconds) - 8})`, "data-run": run.run },
      svg("title", {}, `${dateTime(run.started)} · ${duration(run.seconds)} · ${stateName(run.state)}`),
      svg("rect", { class: "target", x: -2, y: -2, width: 20, height: 20 }),
      shape(run.state),
    ),
  );
  return svg(
    "svg",
    { class: "chart", viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": words },
    grid,
    middle === null ? null : svg("line", { class: "median", x1: EDGE.left, x2: width - EDGE.right, y1: y(middle), y2: y(middle) }),
    stems,
    points,
    dates,
    label(EDGE.left + inner.width / 2, HEIGHT - 6, t("chart.x"), { class: "axis-title", "text-anchor": "middle" }),
    label(0, 0, t("chart.y"), { class: "axis-title", "text-anchor": "middle", transform: `translate(13 ${EDGE.top + inner.height / 2}) rotate(-90)` }),
  );
}

function table(runs) {
  const column = (key) => h("th", { scope: "col" }, t(key));
  return h(
    "details",
    { class: "data" },
    h("summary", {}, t("chart.table")),
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, column("history.started"), column("history.took"), column("history.state"))),
      h("tbody", {}, [...runs].reverse().map((run) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: `#run/${encodeURIComponent(run.run)}` }, dateTime(run.started))), h("td", {}, duration(run.seconds)), h("td", {}, stateName(run.state))))),
    ),
  );
}

function legend(runs) {
  const states = [...new Set(runs.map(({ state }) => state))];
  return h(
    "ul",
    { class: "legend" },
    states.map((state) => h("li", {}, svg("svg", { viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" }, shape(state)), stateName(state))),
    runs.some(({ state }) => state === "ok") ? h("li", {}, svg("svg", { viewBox: "0 0 24 16", width: 24, height: 14, "aria-hidden": "true" }, svg("line", { class: "median", x1: 0, x2: 24, y1: 8, y2: 8 })), t("chart.median.short")) : null,
  );
}

// `runs`: {run, started, seconds, state}, oldest first. Redrawn when its place changes its width.
export function chart(runs) {
  const known = runs.filter(({ seconds }) => Number.isFinite(seconds));
  if (!known.length) return { node: h("p", { class: "soft empty" }, t("chart.none")), close() {} };
  const words = essence(known);
  const place = h("div", { class: "chart-place" });
  // The drawing is a shortcut for the mouse; the table has the same links for everybody.
  place.addEventListener("click", (event) => {
    const run = event.target.closest("[data-run]")?.dataset.run;
    if (run) location.hash = `#run/${encodeURIComponent(run)}`;
  });
  const part = h("p", { class: "soft", hidden: true });
  let width = 0;
  const watch = new ResizeObserver(([{ contentRect }]) => {
    const now = Math.round(contentRect.width);
    if (now === width || now === 0) return;
    width = now;
    const fit = known.slice(-Math.max(1, Math.floor((width - EDGE.left - EDGE.right) / ROOM)));
    show(place, draw(fit, width, `${t("chart.title")}: ${words}`));
    part.hidden = fit.length === known.length;
    show(part, t("chart.newest.drawn", { n: fit.length }));
  });
  watch.observe(place);
  return { node: h("div", {}, h("p", { class: "soft" }, words), place, part, legend(known), table(known)), close: () => watch.disconnect() };
}
