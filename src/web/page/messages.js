// Everything the servers say in a run, newest below.

import { h, show } from "./dom.js";
import { number } from "./format.js";
import { messageLine } from "./steps.js";
import { t } from "./words.js";

const MOST = 300; // Lines in the document at once.

export function messagesLog() {
  const list = h("ol", { class: "messages" });
  // Reachable by the keyboard, since it scrolls.
  const scroller = h("div", { class: "log", tabindex: "0", role: "region", "aria-label": t("messages.title") }, list);
  const hidden = h("p", { class: "soft" });
  const count = h("span", { class: "count" });
  const none = h("p", { class: "soft" }, t("messages.none"));
  let all = 0;
  let speaker;

  function told() {
    const more = all - list.children.length;
    show(hidden, more > 0 ? t("messages.earlier", { n: more }) : null);
    hidden.hidden = more <= 0;
    none.hidden = all > 0;
    scroller.hidden = all === 0;
    show(count, all > 0 ? number(all) : null);
  }

  // Somebody who reads further up is not pulled down.
  function atEnd() {
    return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
  }

  function put(entries) {
    const follow = atEnd();
    all += entries.length;
    for (const { step, message } of entries.slice(-MOST)) {
      // Lines of one step stand together below its name.
      const from = step.number === speaker ? null : h("span", { class: "from" }, `${step.number} · ${step.stage} ${step.entity} ${step.code ?? ""}`);
      list.append(messageLine(message, from));
      speaker = step.number;
    }
    while (list.children.length > MOST) list.firstElementChild.remove();
    told();
    if (follow) scroller.scrollTop = scroller.scrollHeight;
  }

  // A thousand messages a second are drawn once a frame.
  let waiting = [];
  function add(entries) {
    if (!waiting.length && entries.length) requestAnimationFrame(flush);
    waiting.push(...entries);
  }
  function flush() {
    const entries = waiting;
    waiting = [];
    put(entries);
  }

  told();
  return {
    node: h("section", { class: "card log-card" }, h("h2", {}, t("messages.title"), " ", count), none, hidden, scroller),
    add,
    clear() {
      waiting = [];
      list.replaceChildren();
      all = 0;
      speaker = undefined;
      told();
    },
  };
}
