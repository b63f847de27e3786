// The upper part of a run's view: what it is, how far, and what can be done with it.

import { h, show, write } from "./dom.js";
import { dateTimeExact, duration, percent } from "./format.js";
import { badge, stateName } from "./marks.js";
import { again, codesOf, inWords } from "./orders.js";
import { doneInWords, isOver, isResumable, secondsOf, share } from "./run-state.js";
import { session } from "./session.js";
import { t } from "./words.js";

function fact(label, value) {
  return value ? h("div", {}, h("dt", {}, label), h("dd", {}, value)) : null;
}

function factsOf(run) {
  const codes = codesOf(run.order);
  return [
    fact(t("run.by"), h("span", { class: "foreign" }, run.by)),
    fact(t("run.started"), dateTimeExact(run.started)),
    fact(t("run.ended"), run.ended ? dateTimeExact(run.ended) : ""),
    fact(t("run.expected"), run.estimate ? duration(run.estimate) : ""),
    // The heading has room for a few.
    fact(t("run.codes"), codes.length > 4 ? codes.join(", ") : ""),
    fact(t("run.resumed"), run.resumed ? t("times", { n: run.resumed }) : ""),
    fact(t("run.id"), h("span", { class: "id" }, run.id)),
  ];
}

function progressInWords(run) {
  const spent = secondsOf(run);
  const parts = [percent(share(run)), doneInWords(run), duration(spent, !isOver(run))];
  if (!isOver(run) && run.estimate) {
    const left = run.estimate - spent;
    parts.push(left >= 0 ? t("run.left", { time: duration(left, true) }) : t("run.longer", { time: duration(-left, true) }));
  }
  return parts.filter(Boolean).join(" · ");
}

// `cancel` and `resume` are what the buttons do.
export function runHead({ cancel, resume }) {
  const heading = h("h1", { tabindex: "-1" }, t("run.title"));
  const state = h("span", { class: "run-state" });
  const buttons = h("div", { class: "actions" });
  const trouble = h("div", {});
  const reason = h("p", { class: "reason foreign", hidden: true });
  const bar = h("progress", { max: "1", value: 0, "aria-label": t("run.progress") });
  const progress = h("p", { class: "progress-text" });
  const facts = h("dl", { class: "facts" });
  const node = h("section", { class: "card head", "aria-busy": "true" }, h("div", { class: "title" }, heading, state, buttons), trouble, reason, bar, progress, facts);

  function drawButtons(run) {
    const had = buttons.contains(document.activeElement);
    const button = (id, kind, action, label) => h("button", { type: "button", class: kind, id, onclick: action }, label);
    show(
      buttons,
      !isOver(run) && session.mayStart ? button("cancel", "danger", cancel, t("run.cancel")) : null,
      isResumable(run) && session.mayStart ? button("resume", "primary", resume, t("run.resume")) : null,
      isOver(run) ? h("a", { class: "button", href: again(run.order) }, t("run.again")) : null,
    );
    if (had) (buttons.firstElementChild ?? heading).focus();
  }

  function drawProgress(run) {
    const part = share(run);
    bar.value = part;
    bar.className = run.state;
    write(progress, progressInWords(run));
    document.title = `${isOver(run) ? stateName(run.state) : percent(part)} · ${inWords(run.order)} · pult`;
  }

  return {
    node,
    heading,
    drawProgress,
    draw(run) {
      write(heading, inWords(run.order));
      show(state, badge(run.state));
      show(reason, run.reason);
      reason.hidden = !run.reason;
      show(facts, factsOf(run));
      drawButtons(run);
      drawProgress(run);
      node.removeAttribute("aria-busy");
    },
    // Says why something was refused; nothing takes that away.
    say: (box) => show(trouble, box),
  };
}
