// What can be told of a run from its data: how far it is, how long it has taken.

import { serverNow } from "./api.js";
import { h } from "./dom.js";
import { duration } from "./format.js";
import { badge } from "./marks.js";
import { inWords } from "./orders.js";
import { elapsed, isAtWork, isEnded } from "./steps.js";
import { t } from "./words.js";

const OVER = new Set(["ok", "failed", "cancelled", "interrupted"]);
const RESUMABLE = new Set(["failed", "cancelled", "interrupted"]);

export const isOver = (run) => OVER.has(run.state);
export const isResumable = (run) => RESUMABLE.has(run.state);

// How much of the run is done, 0 to 1, by what its steps are expected to take.
export function share(run) {
  const steps = run.steps;
  if (!steps?.length) return isOver(run) ? 1 : 0;
  // While it goes on, what was skipped is behind it too; afterwards only what succeeded is done.
  const counts = isOver(run) ? (state) => state === "ok" : isEnded;
  let done = 0;
  let all = 0;
  for (const step of steps) {
    const weight = step.estimate || 1;
    all += weight;
    if (counts(step.state)) done += weight;
    else if (isAtWork(step.state)) done += Math.min(elapsed(step) ?? 0, weight * 0.95);
  }
  return all ? done / all : 0;
}

export function doneInWords(run) {
  return t("run.done", { done: run.steps.filter(({ state }) => state === "ok").length, n: run.steps.length });
}

export function secondsOf(run) {
  return isOver(run) ? run.seconds : Math.max(0, (serverNow() - Date.parse(run.started)) / 1000);
}

// A short run has numbers of steps by state instead of the steps.
function shareInShort({ total, ...states }) {
  const ended = Object.entries(states).filter(([state]) => isEnded(state));
  return total ? ended.reduce((sum, [, count]) => sum + count, 0) / total : 0;
}

// A line about a short run for lists: what, for which sources, how far.
export function runLine(run) {
  const what = inWords(run.order);
  return h(
    "li",
    {},
    h(
      "a",
      { class: "run-line", href: `#run/${encodeURIComponent(run.id)}` },
      badge(run.state),
      h("b", { class: "name" }, what),
      h("span", { class: "soft foreign" }, run.by),
      h("span", { class: "soft" }, duration(secondsOf(run), !isOver(run))),
    ),
    run.progress ? h("progress", { max: "1", value: shareInShort(run.progress), "aria-label": `${t("run.progress")}: ${what}` }) : null,
  );
}
