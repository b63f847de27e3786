// The steps of a plan or of a run, in order; each opens to its statement, locks, messages and error.

import { freshId, h, name, show, write } from "./dom.js";
import { serverNow } from "./api.js";
import { clock, dateTimeExact, duration, number } from "./format.js";
import { mark, stateName, STEP_STATES } from "./marks.js";
import { t } from "./words.js";

const MOST = 200; // Steps in the document at once.
const BEFORE = 4; // Steps before the one under way that stay in sight, at least.
const LEAP = 5;
const MOST_MESSAGES = 100; // Messages below one step.
const OPENED = 3; // Failed steps that open by themselves.
const OPEN_PLAN = 6; // A plan as short as this shows everything.

const ENDED = new Set(["ok", "failed", "skipped", "cancelled", "timed_out", "interrupted"]);
const AT_WORK = new Set(["running", "committing"]);

export const isEnded = (state) => ENDED.has(state);
export const isAtWork = (state) => AT_WORK.has(state);

export function elapsed(step) {
  if (AT_WORK.has(step.state) && step.started) return Math.max(0, (serverNow() - Date.parse(step.started)) / 1000);
  return step.seconds ?? null;
}

function took(step) {
  if (AT_WORK.has(step.state)) return duration(elapsed(step), true);
  if (step.seconds !== undefined && step.seconds !== null) return duration(step.seconds);
  return step.estimate && step.state === "pending" ? `≈ ${duration(step.estimate)}` : "";
}

export function serverError(error) {
  const server = error.server;
  if (!server) return "";
  const parts = [t("sql.error", { number: String(server.number) }), t("sql.severity", { severity: String(server.severity), state: String(server.state) })];
  if (server.procedure) parts.push(t("sql.procedure", { procedure: server.procedure }));
  if (server.line) parts.push(t("sql.line", { line: String(server.line) }));
  if (server.server) parts.push(t("sql.server", { server: server.server }));
  return parts.join(" · ");
}

function fact(label, value) {
  return value === "" || value === null || value === undefined ? null : h("div", {}, h("dt", {}, label), h("dd", {}, value));
}

function errorPart(error) {
  return h(
    "div",
    { class: "error-box" },
    h("p", { class: "error-text foreign" }, error.message),
    error.server ? h("p", { class: "origin" }, serverError(error)) : h("p", { class: "origin" }, error.code),
    error.hint ? h("p", { class: "hint" }, error.hint) : null,
  );
}

export function messageLine(message, from) {
  return h("li", {}, from, h("time", { datetime: message.at }, clock(message.at)), h("span", { class: "foreign" }, message.text));
}

function messagesPart(messages) {
  if (!messages?.length) return null;
  const hidden = Math.max(0, messages.length - MOST_MESSAGES);
  return [
    h("h4", {}, t("messages.count", { n: messages.length })),
    hidden ? h("p", { class: "soft" }, t("messages.earlier", { n: hidden })) : null,
    h("ol", { class: "messages" }, messages.slice(hidden).map((message) => messageLine(message))),
  ];
}

function body(step) {
  return [
    step.error ? errorPart(step.error) : null,
    step.note ? h("p", { class: "note foreign" }, step.note) : null,
    h("pre", { class: "statement" }, step.statement),
    h(
      "dl",
      { class: "facts" },
      fact(t("step.database"), `${step.database} · ${step.server}`),
      fact(t("step.locks"), (step.locks ?? []).join(", ")),
      fact(t("step.after"), (step.after ?? []).map(number).join(", ")),
      fact(t("step.repeatable"), step.repeatable ? t("yes") : t("no")),
      fact(t("step.expected"), step.estimate && step.state !== "pending" ? duration(step.estimate) : ""),
      fact(t("step.attempts"), step.attempts > 1 ? number(step.attempts) : ""),
      fact(t("step.rows"), step.rows === undefined || step.rows === null ? "" : number(step.rows)),
      fact(t("step.code"), step.return_code === undefined || step.return_code === null ? "" : number(step.return_code)),
      fact(t("step.started"), step.started ? dateTimeExact(step.started) : ""),
      fact(t("step.ended"), step.ended ? dateTimeExact(step.ended) : ""),
    ),
    messagesPart(step.messages),
  ];
}

function row(step, opened, asPlan) {
  const slot = h("span", { class: "step-mark" });
  const state = h("span", { class: "step-state" });
  const time = h("span", { class: "step-time" });
  const trouble = h("span", { class: "step-trouble foreign" });
  const inside = h("div", { class: "step-body" });
  const details = h(
    "details",
    { open: opened.has(step.number) },
    h(
      "summary",
      {},
      slot,
      h("span", { class: "step-number" }, number(step.number)),
      h("span", { class: "step-what" }, h("b", {}, step.stage), " ", name(step.entity), " ", step.code ? h("span", { class: "code" }, step.code) : null),
      h("span", { class: "step-where" }, step.database),
      asPlan ? null : state,
      time,
      trouble,
    ),
    inside,
  );
  const node = h("li", { class: "step", "data-step": step.number }, details);
  let now = step;
  let dirty = true;
  let due = 0;

  function fillBody() {
    due = 0;
    if (details.open && dirty) {
      show(inside, body(now));
      dirty = false;
    }
  }
  details.addEventListener("toggle", () => {
    if (details.open) opened.add(now.number);
    else opened.delete(now.number);
    fillBody();
  });
  function update(fresh) {
    now = fresh;
    dirty = true;
    // However many messages come, what is open is drawn once a frame.
    due ||= requestAnimationFrame(fillBody);
    node.dataset.state = fresh.state;
    show(slot, asPlan ? null : mark(fresh.state));
    write(state, stateName(fresh.state));
    write(time, took(fresh));
    // Why it failed, why it was skipped, what it waits for.
    write(trouble, fresh.state === "ok" ? "" : (fresh.error?.message ?? fresh.note ?? ""));
    if (opened.has(fresh.number) && !details.open) details.open = true;
  }
  update(step);
  return { node, update, tick: () => AT_WORK.has(now.state) && write(time, took(now)) };
}

// The part of the list that is shown: from a little before what is under way, so that it is seen without scrolling;
// it moves in leaps, so that rows do not creep away under the eye. Of a run that is over, all that fits.
function windowOf(steps) {
  const live = steps.findIndex(({ state }) => !ENDED.has(state));
  const trouble = steps.findIndex(({ state }) => state === "failed" || state === "timed_out");
  const from = live >= 0 ? Math.floor(Math.max(0, live - BEFORE) / LEAP) * LEAP : trouble >= MOST ? trouble - BEFORE : 0;
  return [from, Math.min(from + MOST, steps.length)];
}

// `asPlan`: nothing has been done yet, so there are no states to show and none to choose by.
export function stepsList({ asPlan = false } = {}) {
  const heading = freshId("steps");
  const chips = h("div", { class: "chips", role: "group", "aria-label": t("steps.filter") });
  const list = h("ol", { class: "steps", "aria-labelledby": heading });
  const before = h("div", { class: "more" });
  const after = h("div", { class: "more" });
  const opened = new Set();
  let failuresOpened = 0;
  let steps = [];
  let rows = new Map();
  let only = "";
  let range = null;
  let first = 0;

  const group = (state) => (state === "committing" ? "running" : state);
  const chosen = () => (only ? steps.filter(({ state }) => group(state) === only) : steps);

  function more(slot, count, key, widen) {
    show(slot, count > 0 ? h("button", { type: "button", class: "plain", onclick: widen }, t(key, { n: count })) : null);
  }

  function draw() {
    const wanted = chosen();
    const [from, to] = range ?? windowOf(wanted);
    first = from;
    rows = new Map(wanted.slice(from, to).map((step) => [step.number, row(step, opened, asPlan)]));
    const focused = list.contains(document.activeElement) ? document.activeElement.closest(".step")?.dataset.step : undefined;
    show(list, [...rows.values()].map(({ node }) => node));
    if (focused) rows.get(Number(focused))?.node.querySelector("summary").focus();
    more(before, from, "steps.before", () => widen([Math.max(0, from - MOST), Math.max(0, from - MOST) + MOST]));
    more(after, wanted.length - to, "steps.after", () => widen([to, to + MOST]));
  }

  function widen(next) {
    range = [next[0], Math.min(next[1], chosen().length)];
    draw();
    list.querySelector("summary")?.focus();
  }

  function drawChips() {
    if (asPlan) return;
    const counts = new Map();
    for (const { state } of steps) counts.set(group(state), (counts.get(group(state)) ?? 0) + 1);
    const focused = chips.contains(document.activeElement) ? document.activeElement.dataset.state : undefined;
    const chip = (state, label, count) =>
      h(
        "button",
        { type: "button", class: "chip", "data-state": state, "aria-pressed": String(only === state), onclick: () => choose(state) },
        state ? mark(state) : null,
        h("span", {}, label),
        h("b", {}, number(count)),
      );
    const known = STEP_STATES.filter((state) => counts.has(state));
    show(chips, chip("", t("steps.all"), steps.length), known.length > 1 || only ? known.map((state) => chip(state, stateName(state), counts.get(state))) : null);
    if (focused !== undefined) [...chips.children].find((one) => one.dataset.state === focused)?.focus();
  }

  function choose(state) {
    only = only === state ? "" : state;
    range = null;
    drawChips();
    draw();
  }

  function openFailed(step) {
    if (step.error && failuresOpened < OPENED && !opened.has(step.number)) {
      failuresOpened += 1;
      opened.add(step.number);
    }
  }

  return {
    node: h("div", {}, h("h3", { id: heading, class: "unseen" }, t("steps.title")), chips, before, list, after),
    set(all) {
      steps = [...all];
      if (asPlan && all.length <= OPEN_PLAN) for (const { number: one } of all) opened.add(one);
      for (const step of all) openFailed(step);
      range = null;
      drawChips();
      draw();
    },
    update(step) {
      const at = steps.findIndex(({ number: one }) => one === step.number);
      if (at < 0) return;
      const moved = group(steps[at].state) !== group(step.state);
      steps[at] = step;
      openFailed(step);
      if (moved) drawChips();
      // The list goes along with what is under way, unless the person has chosen a part of it or works in it.
      const along = moved && !range && !list.contains(document.activeElement) && windowOf(chosen())[0] !== first;
      if ((moved && only) || along) draw();
      else rows.get(step.number)?.update(step);
    },
    tick() {
      for (const one of rows.values()) one.tick();
    },
  };
}
