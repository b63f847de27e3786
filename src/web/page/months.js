// The month of an order: two lists, from the catalogue's first month to its last.

import { h, show } from "./dom.js";
import { monthName } from "./format.js";
import { t } from "./words.js";

const isBefore = ([oneYear, oneMonth], [otherYear, otherMonth]) => oneYear < otherYear || (oneYear === otherYear && oneMonth < otherMonth);

// `2018-01` as [2018, 1].
function parsed(text, otherwise) {
  const found = /^(\d{4})-(\d{1,2})$/.exec(text ?? "");
  return found ? [Number(found[1]), Number(found[2])] : otherwise;
}

function present() {
  const today = new Date();
  return [today.getFullYear(), today.getMonth() + 1];
}

// The month that a person closes is usually the one before the last.
function usual(first, last) {
  const [year, month] = last;
  const before = month > 1 ? [year, month - 1] : [year - 1, 12];
  return isBefore(before, first) ? last : before;
}

// Keeps what is chosen in `choice.month` and `choice.year`. `slot` is where what is wrong with it stands.
export function monthField(choice, slot, changed) {
  const about = { "aria-describedby": slot.id, onchange: take };
  const month = h("select", { id: "month", ...about });
  const year = h("select", { id: "year", "aria-label": t("choose.year"), ...about });
  let first = [2018, 1];
  let last = present();

  function take() {
    Object.assign(choice, { month: Number(month.value), year: Number(year.value) });
    draw();
    changed();
  }

  function draw() {
    const chosen = [choice.year, choice.month];
    if (!choice.month) [choice.year, choice.month] = usual(first, last);
    else if (isBefore(chosen, first)) [choice.year, choice.month] = first;
    else if (isBefore(last, chosen)) [choice.year, choice.month] = last;
    const isOutside = (one) => isBefore([choice.year, one], first) || isBefore(last, [choice.year, one]);
    const years = Array.from({ length: last[0] - first[0] + 1 }, (_, index) => last[0] - index);
    const months = Array.from({ length: 12 }, (_, index) => index + 1);
    show(year, years.map((one) => h("option", { value: one }, String(one))));
    show(month, months.map((one) => h("option", { value: one, disabled: isOutside(one) }, monthName(one))));
    year.value = String(choice.year);
    month.value = String(choice.month);
  }

  return {
    node: h("div", { class: "field" }, h("label", { for: "month" }, t("choose.month")), h("div", { class: "pair" }, month, year), slot),
    month,
    year,
    between(earliest, latest) {
      first = parsed(earliest, first);
      last = parsed(latest, last);
      draw();
    },
  };
}
