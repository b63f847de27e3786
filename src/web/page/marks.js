// States of runs and steps: each has a shape of its own beside its colour.

import { h, svg } from "./dom.js";
import { t } from "./words.js";

const disc = () => svg("circle", { cx: 8, cy: 8, r: 7, class: "solid" });
const ring = () => svg("circle", { cx: 8, cy: 8, r: 6, class: "line" });
const line = (d) => svg("path", { d, class: "line" });
const cut = (d) => svg("path", { d, class: "cut" });

const SHAPES = {
  pending: () => [svg("circle", { cx: 8, cy: 8, r: 6, class: "line dotted" })],
  waiting: () => [ring(), line("M6.3 5.5v5M9.7 5.5v5")],
  running: () => [svg("circle", { cx: 8, cy: 8, r: 6, class: "line faint" }), svg("path", { d: "M8 2a6 6 0 0 1 6 6", class: "line turning" })],
  committing: () => [ring(), line("M8 4.5v6M5.5 8L8 10.7L10.5 8")],
  ok: () => [disc(), cut("M4.8 8.3L7.1 10.6L11.3 5.8")],
  failed: () => [svg("path", { d: "M5 1h6l4 4v6l-4 4H5l-4-4V5z", class: "solid" }), cut("M5.5 5.5l5 5M10.5 5.5l-5 5")],
  skipped: () => [line("M3.5 4l4 4l-4 4M8.5 4l4 4l-4 4")],
  cancelled: () => [svg("rect", { x: 1.5, y: 1.5, width: 13, height: 13, rx: 2, class: "solid" }), cut("M5 8h6")],
  timed_out: () => [ring(), line("M8 4.5V8l2.5 2")],
  interrupted: () => [svg("path", { d: "M8 0.5L15.5 8L8 15.5L0.5 8z", class: "solid" }), cut("M8 4.5v4M8 10.6v0.4")],
};

export const RUN_STATES = ["waiting", "running", "ok", "failed", "cancelled", "interrupted"];
export const STEP_STATES = ["failed", "timed_out", "interrupted", "cancelled", "skipped", "running", "committing", "ok", "pending"];

export function stateName(state) {
  return Object.hasOwn(SHAPES, state) ? t(`state.${state}`) : state;
}

// Size 16 × 16 around (8, 8), for a place inside another drawing.
export function shape(state) {
  return svg("g", { class: `mark ${Object.hasOwn(SHAPES, state) ? state : "pending"}` }, (SHAPES[state] ?? SHAPES.pending)());
}

export function mark(state) {
  return svg("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true", focusable: "false" }, shape(state));
}

export function badge(state) {
  return h("span", { class: `badge ${state}` }, mark(state), h("span", {}, stateName(state)));
}
