// The strip below the header: whether the connection for live events holds.

import { h, show } from "./dom.js";
import { t } from "./words.js";

const BACK = 6_000;
let lost = false;
let fading;

function strip(...inside) {
  clearTimeout(fading);
  show(document.getElementById("notices"), inside);
}

// For `follow`'s `tell`.
export function connection(state, detail) {
  if (state === "lost") {
    if (lost) {
      retry = detail.retry;
      return;
    }
    lost = true;
    retry = detail.retry;
    strip(
      h("p", { class: "notice bad" }, h("span", {}, t("connection.lost")), h("button", { type: "button", class: "plain", onclick: () => retry() }, t("connection.retry"))),
    );
  } else if (state === "live" && lost) {
    lost = false;
    strip(h("p", { class: "notice good" }, t("connection.back")));
    fading = setTimeout(() => strip(), BACK);
  }
}

let retry = () => {};

// The view that followed is left: what it said of its connection goes with it.
export function noConnection() {
  if (!lost) return;
  lost = false;
  strip();
}
