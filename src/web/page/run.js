// One run: watched live while it is under way, read afterwards; cancelled and resumed.

import { get } from "./api.js";
import { checksTable } from "./checks-table.js";
import { h, show } from "./dom.js";
import { errorBox } from "./errors.js";
import { follow } from "./live.js";
import { stateName } from "./marks.js";
import { messagesLog } from "./messages.js";
import { connection, noConnection } from "./notices.js";
import { inWords } from "./orders.js";
import { cancelRun, resumeRun } from "./run-actions.js";
import { runHead } from "./run-head.js";
import { doneInWords, isOver } from "./run-state.js";
import { speak, speakProgress } from "./spoken.js";
import { isEnded, stepsList } from "./steps.js";
import { t } from "./words.js";

const inTime = (one, other) => (one.message.at < other.message.at ? -1 : one.message.at > other.message.at ? 1 : 0);

// The parts of the view, and how each event of the stream changes them.
function watched(path, head) {
  const steps = stepsList();
  const log = messagesLog();
  const checks = h("section", { class: "card", hidden: true });
  let run = null;

  const numbered = (number) => run.steps.findIndex((step) => step.number === number);

  function drawChecks() {
    checks.hidden = !run.checks?.length;
    if (!checks.hidden) show(checks, h("h2", {}, t("checks.title")), checksTable(run.checks, true));
  }

  function whole(fresh) {
    run = fresh;
    head.draw(run);
    steps.set(run.steps);
    log.clear();
    log.add(run.steps.flatMap((step) => (step.messages ?? []).map((message) => ({ step, message }))).sort(inTime));
    drawChecks();
  }

  // The run's own state only; its end, exactly as it was recorded, is asked for.
  async function turned(news) {
    Object.assign(run, { state: news.state, reason: news.reason ?? run.reason, seconds: news.seconds ?? run.seconds });
    head.draw(run);
    speak(t("run.spoken", { what: inWords(run.order), state: stateName(run.state) }));
    if (!isOver(run)) return;
    try {
      const recorded = await get(path);
      if (isOver(run)) whole(recorded);
    } catch {
      // What the stream has told is on the page already.
    }
  }

  function stepChanged({ step }) {
    const at = numbered(step.number);
    if (at < 0) return;
    const before = run.steps[at];
    const known = before.messages ?? [];
    const told = step.messages ?? [];
    if (told.length < known.length) step.messages = known;
    else log.add(told.slice(known.length).map((message) => ({ step, message })));
    run.steps[at] = step;
    steps.update(step);
    head.drawProgress(run);
    if (step.state === before.state) return;
    if (step.error) speak(t("step.spoken.failed", { n: step.number, message: step.error.message }));
    else if (isEnded(step.state)) speakProgress(() => (isOver(run) ? "" : doneInWords(run)));
  }

  function said({ step: number, message }) {
    const step = run.steps[numbered(number)];
    if (!step) return;
    (step.messages ??= []).push(message);
    log.add([{ step, message }]);
    steps.update(step);
  }

  function checked({ check }) {
    const same = (one) => one.check === check.check && one.entity === check.entity && one.code === check.code;
    run.checks = [...(run.checks ?? []).filter((one) => !same(one)), check];
    drawChecks();
  }

  const takers = { run: turned, step: stepChanged, message: said, check: checked };
  return {
    nodes: [h("div", { class: "columns run-columns" }, h("section", { class: "card" }, h("h2", {}, t("steps.title")), steps.node), log.node), checks],
    run: () => run,
    take(event, value) {
      if (value.steps) whole(value);
      else if (run) takers[event]?.(value);
    },
    tick() {
      if (!run || isOver(run)) return;
      steps.tick();
      head.drawProgress(run);
    },
  };
}

export function mount(root, { id }) {
  const path = `api/runs/${encodeURIComponent(id)}`;
  const head = runHead({ cancel: () => attempt(cancelRun, () => speak(t("cancel.sent"))), resume: () => attempt(resumeRun, listen) });
  const view = watched(path, head);
  let stream;

  function listen() {
    stream?.close();
    stream = follow(`${path}/events`, {
      take: view.take,
      tell: (how, detail) => (how === "refused" ? head.say(errorBox(detail)) : connection(how, detail)),
    });
  }

  async function attempt(action, done) {
    try {
      if (!(await action(view.run()))) return;
      head.say(null);
      done();
    } catch (refusal) {
      head.say(errorBox(refusal));
    }
  }

  show(root, head.node, view.nodes);
  document.title = `${t("run.title")} · pult`;
  listen();
  const ticking = setInterval(view.tick, 1000);
  const press = (button) => () => document.getElementById(button)?.click();
  return {
    heading: head.heading,
    keys: { c: press("cancel"), r: press("resume") },
    unmount() {
      clearInterval(ticking);
      stream.close();
      noConnection();
    },
  };
}
