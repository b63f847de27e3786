// The first view: choose, see the plan, start; and what is under way just now.

import { get, post } from "./api.js";
import { chooser, prefill } from "./choose.js";
import { ask } from "./dialogs.js";
import { h, show } from "./dom.js";
import { errorBox } from "./errors.js";
import { duration } from "./format.js";
import { follow } from "./live.js";
import { connection, noConnection } from "./notices.js";
import { inWords } from "./orders.js";
import { runLine } from "./run-state.js";
import { session } from "./session.js";
import { askToken } from "./sign-in.js";
import { stepsList } from "./steps.js";
import { t } from "./words.js";

const PAUSE = 200; // Between the last change and the question for the plan, ms.

function underWay() {
  const list = h("ul", { class: "runs" });
  const node = h("section", { class: "card", hidden: true }, h("h2", {}, t("status.title")), list);
  let due;

  function draw({ runs }) {
    node.hidden = !runs.length;
    show(list, runs.map(runLine));
  }

  async function refresh() {
    due = undefined;
    try {
      draw(await get("api/status"));
    } catch {
      // The page's other calls tell why the service does not answer.
    }
  }
  // Events come in bursts; the answer is asked for once.
  const soon = () => {
    due ??= setTimeout(refresh, 700);
  };
  const stream = follow("api/events", {
    take: (event, value) => (event === "status" ? draw(value) : event !== "message" && soon()),
    tell: (how, detail) => how !== "refused" && connection(how, detail),
  });
  return {
    node,
    close() {
      clearTimeout(due);
      stream.close();
      noConnection();
    },
  };
}

export function mount(root, params) {
  prefill(params);
  const heading = h("h1", { tabindex: "-1" }, t("start.title"));
  const trouble = h("div", {});
  const summary = h("p", { class: "summary", role: "status" });
  const button = h("button", { type: "submit", class: "primary big", id: "begin" }, t("start.button"));
  const planned = h("div", { class: "planned" });
  const plan = h("section", { class: "card plan" }, h("h2", {}, t("plan.title")), planned);
  const running = underWay();
  let asked = new AbortController();
  let waiting;
  let busy = false;

  const form = chooser({
    changed(order) {
      clearTimeout(waiting);
      asked.abort();
      show(trouble);
      if (!order) {
        show(summary);
        show(planned, h("p", { class: "soft empty" }, t("plan.empty")));
        return;
      }
      plan.setAttribute("aria-busy", "true");
      waiting = setTimeout(() => askPlan(order), PAUSE);
    },
    failed: (refusal) => show(trouble, errorBox(refusal)),
  });

  // Messages about fields stand beside them, the rest above the button.
  function refused(refusal) {
    const fields = refusal.fields ?? {};
    const homeless = form.refuse(fields);
    const known = Object.keys(fields).length;
    show(trouble, known && !homeless.length ? null : errorBox(refusal), homeless.map((text) => h("p", { class: "field-error" }, text)));
  }

  async function askPlan(order) {
    asked = new AbortController();
    try {
      const found = await post("api/plan", order, asked.signal);
      const steps = stepsList({ asPlan: true });
      steps.set(found.steps);
      show(planned, found.notes?.length ? h("ul", { class: "notes" }, found.notes.map((note) => h("li", { class: "foreign" }, note))) : null, steps.node);
      show(summary, h("b", {}, t("plan.steps", { n: found.steps.length })), found.estimate ? ` · ${t("plan.estimate", { time: duration(found.estimate) })}` : null);
    } catch (refusal) {
      if (refusal.name === "AbortError") return;
      show(summary);
      show(planned, h("p", { class: "soft empty" }, t("plan.none")));
      refused(refusal);
    }
    plan.removeAttribute("aria-busy");
  }

  async function begin() {
    const order = form.order();
    if (!order) return form.missing();
    if (!session.mayStart) return askToken();
    if (busy) return undefined;
    busy = true;
    button.setAttribute("aria-busy", "true");
    try {
      const run = await post("api/runs", order);
      location.hash = `#run/${encodeURIComponent(run.id)}`;
    } catch (refusal) {
      refused(refusal);
    }
    busy = false;
    button.removeAttribute("aria-busy");
    return undefined;
  }

  // One key must not start half an hour of work unasked.
  async function sure() {
    const order = form.order();
    if (!order) return form.missing();
    const answer = await ask({
      title: t("start.sure"),
      body: [h("p", {}, inWords(order)), h("p", { class: "soft" }, summary.textContent)],
      actions: [
        { value: "start", label: t("start.button"), kind: "primary", safe: true },
        { value: "", label: t("start.not"), kind: "plain" },
      ],
    });
    return answer === "start" ? begin() : undefined;
  }

  const rights = session.mayStart ? null : h("p", { class: "soft" }, t(session.user ? "start.reader" : "start.signed"));
  show(
    root,
    running.node,
    h(
      "div",
      { class: "columns start-columns" },
      h(
        "form",
        {
          class: "card order",
          novalidate: true,
          onsubmit: (event) => {
            event.preventDefault();
            begin();
          },
        },
        heading,
        form.node,
        trouble,
        h("div", { class: "go" }, summary, button, rights),
      ),
      plan,
    ),
  );
  document.title = `${t("start.title")} · pult`;
  return {
    heading,
    keys: { s: sure, "/": form.focus },
    unmount() {
      clearTimeout(waiting);
      asked.abort();
      running.close();
    },
  };
}
