// Cancelling and resuming a run, with what has to be asked before.

import { post } from "./api.js";
import { ask } from "./dialogs.js";
import { h } from "./dom.js";
import { inWords } from "./orders.js";
import { isAtWork } from "./steps.js";
import { t } from "./words.js";

const SHOWN = 10;

const path = (run, action) => `api/runs/${encodeURIComponent(run.id)}/${action}`;

// Gives whether the service was told. Throws its refusal.
export async function cancelRun(run) {
  const sure = await ask({
    title: t("cancel.title"),
    body: [h("p", {}, inWords(run.order)), h("p", { class: "soft" }, t("cancel.what"))],
    actions: [
      { value: "", label: t("cancel.keep"), kind: "plain", safe: true },
      { value: "cancel", label: t("cancel.yes"), kind: "danger" },
    ],
  });
  if (!sure) return false;
  await post(path(run, "cancel"));
  return true;
}

// Steps of which nobody knows whether they took effect, and that may not simply be done twice.
const unsure = (run) => run.steps.filter((step) => !step.repeatable && (step.state === "interrupted" || isAtWork(step.state)));

function repeatOrSkip(run, message) {
  return ask({
    title: t("resume.title"),
    body: [
      h("p", {}, message),
      h("ul", {}, unsure(run).slice(0, SHOWN).map((step) => h("li", {}, `${step.number}. ${step.stage} ${step.entity} ${step.code ?? ""}`))),
      h("p", { class: "soft" }, t("resume.help")),
    ],
    actions: [
      { value: "", label: t("resume.not"), kind: "plain", safe: true },
      { value: "repeat", label: t("resume.repeat"), kind: "plain" },
      { value: "skip", label: t("resume.skip"), kind: "plain" },
    ],
  });
}

// Gives whether it goes on. The person decides about a step with an unknown outcome, whether the page sees it coming or
// the service says so. Throws the service's refusal.
export async function resumeRun(run) {
  let choice = "";
  if (unsure(run).length) {
    choice = await repeatOrSkip(run, t("resume.what"));
    if (!choice) return false;
  }
  try {
    await post(path(run, "resume"), choice ? { unknown: choice } : {});
  } catch (refusal) {
    const isUnknown = /unknown/.test(refusal.code) || "unknown" in (refusal.fields ?? {});
    if (choice || !isUnknown) throw refusal;
    choice = await repeatOrSkip(run, refusal.message);
    if (!choice) return false;
    await post(path(run, "resume"), { unknown: choice });
  }
  return true;
}
