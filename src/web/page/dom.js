// Elements are made here and nowhere else. Text goes in as text, never as HTML: what a procedure says is foreign.

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "open", "selected", "indeterminate"]);

// `props`: attributes; `on…` listeners; null, undefined and false leave an attribute out.
function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) node[name] = value;
    else if (value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  put(node, children);
  return node;
}

export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function kept(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== "");
}

function put(node, children) {
  node.append(...kept(children));
}

// Replaces what is inside.
export function show(node, ...children) {
  node.replaceChildren(...kept(children));
  return node;
}

// A name that may be long and has no spaces: it may break after an underscore.
export function name(text) {
  return h("span", { class: "name" }, String(text).split(/(?<=_)/).flatMap((part) => [part, h("wbr")]).slice(0, -1));
}

// Writes only where something differs, so that a screen reader or a selection is not disturbed for nothing.
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

let last = 0;
export function freshId(prefix) {
  last += 1;
  return `${prefix}-${last}`;
}
