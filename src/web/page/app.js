// Puts the page together: header, views by the address's fragment, language, who is signed in.

import * as checks from "./checks.js";
import { h, show } from "./dom.js";
import { errorBox } from "./errors.js";
import * as past from "./history.js";
import { explain, listen } from "./keys.js";
import * as run from "./run.js";
import { session, token } from "./session.js";
import { askToken, learnWho, leave } from "./sign-in.js";
import { forget } from "./sources.js";
import * as start from "./start.js";
import { choose, language, otherLanguage, t } from "./words.js";

const NAMES = { en: "English", ru: "Русский" };
const main = document.getElementById("main");
const at = (id) => document.getElementById(id);
let view = { keys: {}, unmount() {} };

function plain(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    // Somebody has typed it: what it says is not found.
    return part;
  }
}

// `#run/ID`, `#history?code=0c06`
function place() {
  const [path, search = ""] = location.hash.slice(1).split("?");
  const [section, id = ""] = path.split("/");
  return { section, id: plain(id), params: new URLSearchParams(search) };
}

const VIEWS = {
  start: ({ params }) => start.mount(main, params),
  history: ({ params }) => past.mount(main, params),
  checks: ({ params }) => checks.mount(main, params),
  run: ({ id }) => run.mount(main, { id }),
};

function go(focus) {
  const where = place();
  const section = Object.hasOwn(VIEWS, where.section) ? where.section : "start";
  view.unmount();
  view = VIEWS[section](where);
  for (const link of at("sections").children) {
    if (link.dataset.section === section) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  // A new view is announced by its heading, as a new page would be.
  if (focus) {
    scrollTo(0, 0);
    view.heading.focus();
  }
}

function drawFrame() {
  document.documentElement.lang = language();
  for (const node of document.querySelectorAll("[data-words]")) show(node, t(node.dataset.words));
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", t(node.dataset.label));
  const other = otherLanguage();
  show(at("language"), NAMES[other]);
  at("language").lang = other;
  show(at("who"), session.user ? h("span", { class: "foreign" }, session.user) : null);
  show(at("sign"), t(token() ? "sign.out" : "sign.in"));
}

async function begin(event) {
  forget();
  try {
    const known = await learnWho();
    drawFrame();
    go(false);
    if (!known && !event?.detail?.left) askToken();
  } catch (refusal) {
    drawFrame();
    show(main, h("section", { class: "card" }, h("h1", {}, "pult"), errorBox(refusal), h("button", { type: "button", class: "primary", onclick: begin }, t("error.again"))));
  }
}

at("language").addEventListener("click", () => {
  choose(otherLanguage());
  drawFrame();
  go(false);
});
at("sign").addEventListener("click", () => (token() ? leave() : askToken()));
at("keys").addEventListener("click", explain);
at("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener("hashchange", () => go(true));
window.addEventListener("pult-session", begin);
const to = (section) => () => {
  location.hash = `#${section}`;
};
listen(() => view.keys, { n: to("start"), h: to("history"), k: to("checks"), "?": explain });
begin();
