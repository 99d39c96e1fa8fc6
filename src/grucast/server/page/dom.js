// Elements of the page.
import { t } from "./texts.js";

export const $ = (id) => document.getElementById(id);

// An element; text is set as text, never as markup.
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

export function show(node, visible = true) {
  node.hidden = !visible;
}

// A labelled field.
export function field(label, control) {
  return el("label", {}, el("span", {}, label), control);
}

export function select(options, chosen, change) {
  const node = el("select", { onchange: () => change(node.value) });
  for (const [value, text] of options) node.append(el("option", { value, selected: value === chosen }, text));
  return node;
}

export function table(head, rows) {
  const cells = (tag, row) =>
    el("tr", {}, ...row.map((cell, i) => el(i ? tag : "th", { scope: tag === "th" ? "col" : i ? null : "row", class: cell?.best ? "best" : null }, cell instanceof Node ? cell : String(cell?.text ?? cell ?? ""))));
  return el("table", {}, el("thead", {}, cells("th", head)), el("tbody", {}, ...rows.map((row) => cells("td", row))));
}

// Says an error in its place; the server's sentences are English.
export function say(node, error) {
  node.replaceChildren(el("span", { lang: error.server ? "en" : null }, error.server ? error.message : t("failed", { error: error.message })));
  show(node);
}

export function save(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
