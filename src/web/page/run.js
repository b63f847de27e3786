// One run: watched live while it is under way, read afterwards; cancelled and resumed.

import { get, post, serverNow } from "./api.js";
import { checksTable } from "./checks-table.js";
import { ask } from "./dialogs.js";
import { h, show, write } from "./dom.js";
import { errorBox } from "./errors.js";
import { dateTimeExact, duration, percent } from "./format.js";
import { follow } from "./live.js";
import { badge, stateName } from "./marks.js";
import { messagesLog } from "./messages.js";
import { connection, noConnection } from "./notices.js";
import { again, codesOf, inWords } from "./orders.js";
import { session } from "./session.js";
import { speak, speakProgress } from "./spoken.js";
import { elapsed, isAtWork, isEnded, stepsList } from "./steps.js";
import { t } from "./words.js";

const OVER = new Set(["ok", "failed", "cancelled", "interrupted"]);
const RESUMABLE = new Set(["failed", "cancelled", "interrupted"]);

export const isOver = (run) => OVER.has(run.state);

// How much of the run is done, 0 to 1, by what its steps are expected to take.
export function share(run) {
  const steps = run.steps;
  if (!steps?.length) return isOver(run) ? 1 : 0;
  let done = 0;
  let all = 0;
  for (const step of steps) {
    const weight = step.estimate || 1;
    all += weight;
    if (isEnded(step.state)) done += weight;
    else if (isAtWork(step.state)) done += Math.min(elapsed(step) ?? 0, weight * 0.95);
  }
  return all ? done / all : 0;
}

export function secondsOf(run) {
  return isOver(run) ? run.seconds : Math.max(0, (serverNow() - Date.parse(run.started)) / 1000);
}

export function mount(root, { id }) {
  const path = `api/runs/${encodeURIComponent(id)}`;
  const heading = h("h1", { tabindex: "-1" }, t("run.title"));
  const state = h("span", { class: "run-state" });
  const buttons = h("div", { class: "actions" });
  const trouble = h("div", {});
  const reason = h("p", { class: "reason foreign" });
  const bar = h("progress", { max: "1", value: 0, "aria-label": t("run.progress") });
  const progress = h("p", { class: "progress-text" });
  const facts = h("dl", { class: "facts wide" });
  const steps = stepsList();
  const log = messagesLog();
  const checks = h("section", { class: "card", hidden: true });
  const card = h("section", { class: "card head", "aria-busy": "true" }, h("div", { class: "title" }, heading, state, buttons), trouble, reason, bar, progress, facts);
  let run = null;
  let stream;
  let ticking;

  show(
    root,
    card,
    h("div", { class: "columns run-columns" }, h("section", { class: "card" }, h("h2", {}, t("steps.title")), steps.node), log.node),
    checks,
  );

  const done = () => run.steps.filter(({ state: one }) => isEnded(one)).length;
  const doneInWords = () => t("run.done", { done: done(), n: run.steps.length });

  function drawProgress() {
    const part = isOver(run) && run.state === "ok" ? 1 : share(run);
    bar.value = part;
    bar.className = run.state;
    const spent = secondsOf(run);
    const parts = [percent(part), doneInWords(), t("run.spent", { time: duration(spent, !isOver(run)) })];
    if (!isOver(run) && run.estimate) {
      const left = run.estimate - spent;
      parts.push(left >= 0 ? t("run.left", { time: duration(left, true) }) : t("run.longer", { time: duration(-left, true) }));
    }
    write(progress, parts.filter(Boolean).join(" · "));
    document.title = `${isOver(run) ? stateName(run.state) : percent(part)} · ${inWords(run.order)} · pult`;
  }

  function fact(label, value) {
    return value ? h("div", {}, h("dt", {}, label), h("dd", {}, value)) : null;
  }

  function drawHead() {
    write(heading, inWords(run.order));
    show(state, badge(run.state));
    show(reason, run.reason);
    reason.hidden = !run.reason;
    show(
      facts,
      fact(t("run.by"), h("span", { class: "foreign" }, run.by)),
      fact(t("run.started"), dateTimeExact(run.started)),
      fact(t("run.ended"), run.ended ? dateTimeExact(run.ended) : ""),
      fact(t("run.expected"), run.estimate ? duration(run.estimate) : ""),
      fact(t("run.codes"), codesOf(run.order).length > 4 ? codesOf(run.order).join(", ") : ""),
      fact(t("run.resumed"), run.resumed ? t("times", { n: run.resumed }) : ""),
      fact(t("run.id"), h("span", { class: "id" }, run.id)),
    );
    drawButtons();
    drawProgress();
    card.removeAttribute("aria-busy");
  }

  function drawButtons() {
    const mayWrite = session.mayStart;
    const had = buttons.contains(document.activeElement);
    show(
      buttons,
      !isOver(run) && mayWrite ? h("button", { type: "button", class: "danger", id: "cancel", onclick: cancel }, t("run.cancel")) : null,
      RESUMABLE.has(run.state) && mayWrite ? h("button", { type: "button", class: "primary", id: "resume", onclick: () => resume() }, t("run.resume")) : null,
      isOver(run) ? h("a", { class: "button", href: again(run.order) }, t("run.again")) : null,
    );
    if (had) (buttons.firstElementChild ?? heading).focus();
  }

  function drawChecks() {
    checks.hidden = !run.checks?.length;
    if (!checks.hidden) show(checks, h("h2", {}, t("checks.title")), checksTable(run.checks, true));
  }

  function whole(fresh) {
    run = fresh;
    drawHead();
    steps.set(run.steps);
    log.clear();
    const said = run.steps.flatMap((step) => (step.messages ?? []).map((message) => ({ step, message })));
    log.add(said.sort((one, other) => (one.message.at < other.message.at ? -1 : one.message.at > other.message.at ? 1 : 0)));
    drawChecks();
  }

  // The run's own state only; its end, exactly as it was recorded, is asked for.
  async function turned(news) {
    Object.assign(run, { state: news.state, reason: news.reason ?? run.reason, seconds: news.seconds ?? run.seconds });
    drawHead();
    speak(t("run.spoken", { what: inWords(run.order), state: stateName(run.state) }));
    if (!isOver(run)) return;
    try {
      const recorded = await get(path);
      if (isOver(run)) whole(recorded);
    } catch {
      // What the stream has told is on the page already.
    }
  }

  function stepChanged(step) {
    const at = run.steps.findIndex(({ number: one }) => one === step.number);
    if (at < 0) return;
    const before = run.steps[at];
    const known = before.messages ?? [];
    const told = step.messages ?? [];
    if (told.length < known.length) step.messages = known;
    else log.add(told.slice(known.length).map((message) => ({ step, message })));
    run.steps[at] = step;
    steps.update(step);
    drawProgress();
    if (step.state === before.state) return;
    if (step.error) speak(t("step.spoken.failed", { n: step.number, message: step.error.message }));
    else if (isEnded(step.state)) speakProgress(() => (isOver(run) ? "" : doneInWords()));
  }

  function said({ step: one, message }) {
    const step = run.steps.find(({ number: known }) => known === one);
    if (!step) return;
    step.messages = [...(step.messages ?? []), message];
    log.add([{ step, message }]);
    steps.update(step);
  }

  function checked({ check }) {
    const same = (one) => one.check === check.check && one.entity === check.entity && one.code === check.code;
    run.checks = [...(run.checks ?? []).filter((one) => !same(one)), check];
    drawChecks();
  }

  function take(event, value) {
    if (value.steps) whole(value);
    else if (!run) return;
    else if (event === "run") turned(value);
    else if (event === "step") stepChanged(value.step);
    else if (event === "message") said(value);
    else if (event === "check") checked(value);
  }

  function listen() {
    stream?.close();
    stream = follow(`${path}/events`, {
      take,
      tell: (how, detail) => (how === "refused" ? show(trouble, errorBox(detail)) : connection(how, detail)),
    });
  }

  async function cancel() {
    const sure = await ask({
      title: t("cancel.title"),
      body: [h("p", {}, inWords(run.order)), h("p", { class: "soft" }, t("cancel.what"))],
      actions: [
        { value: "keep", label: t("cancel.keep"), kind: "plain", safe: true },
        { value: "cancel", label: t("cancel.yes"), kind: "danger" },
      ],
    });
    if (sure !== "cancel") return;
    try {
      await post(`${path}/cancel`);
      show(trouble);
      speak(t("cancel.sent"));
    } catch (refusal) {
      show(trouble, errorBox(refusal));
    }
  }

  // A step whose outcome nobody knows and that may not simply be done twice: the person decides.
  const unsure = () => run.steps.filter((step) => !step.repeatable && (step.state === "interrupted" || isAtWork(step.state)));

  async function askUnknown(steps_, message) {
    return ask({
      title: t("resume.title"),
      body: [
        h("p", {}, message ?? t("resume.what")),
        h("ul", {}, steps_.slice(0, 10).map((step) => h("li", {}, `${step.number}. ${step.stage} ${step.entity} ${step.code ?? ""}`))),
        h("p", { class: "soft" }, t("resume.help")),
      ],
      actions: [
        { value: "", label: t("resume.not"), kind: "plain", safe: true },
        { value: "repeat", label: t("resume.repeat"), kind: "plain" },
        { value: "skip", label: t("resume.skip"), kind: "plain" },
      ],
    });
  }

  async function resume(unknown) {
    let choice = unknown;
    if (!choice && unsure().length) {
      choice = await askUnknown(unsure());
      if (!choice) return;
    }
    try {
      await post(`${path}/resume`, choice ? { unknown: choice } : {});
      show(trouble);
      run.state = "running";
      listen();
    } catch (refusal) {
      const asked = !choice && (/unknown/.test(refusal.code) || "unknown" in refusal.fields);
      if (!asked) {
        show(trouble, errorBox(refusal));
        return;
      }
      choice = await askUnknown(unsure(), refusal.message);
      if (choice) await resume(choice);
    }
  }

  listen();
  ticking = setInterval(() => {
    if (!run || isOver(run)) return;
    steps.tick();
    drawProgress();
  }, 1000);
  document.title = `${t("run.title")} · pult`;
  return {
    heading,
    keys: { c: () => document.getElementById("cancel")?.click(), r: () => document.getElementById("resume")?.click() },
    unmount() {
      clearInterval(ticking);
      stream.close();
      noConnection();
    },
  };
}

// A short run has numbers of steps by state instead of the steps.
function shareInShort({ total, ...states }) {
  const ended = Object.entries(states).filter(([state]) => isEnded(state));
  return total ? ended.reduce((sum, [, count]) => sum + count, 0) / total : 0;
}

// A line about a short run for lists: what, for which sources, how far.
export function runLine(run) {
  return h(
    "li",
    {},
    h("a", { class: "run-line", href: `#run/${encodeURIComponent(run.id)}` }, badge(run.state), h("b", { class: "name" }, inWords(run.order)), h("span", { class: "soft foreign" }, run.by), h("span", { class: "soft" }, duration(secondsOf(run), !isOver(run)))),
    run.progress ? h("progress", { max: "1", value: shareInShort(run.progress), "aria-label": `${t("run.progress")}: ${inWords(run.order)}` }) : null,
  );
}
