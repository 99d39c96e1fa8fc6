// The first part: a file, what it was taken for, what is wrong with it.
import { get, post } from "./api.js";
import { draw, seriesChart } from "./charts.js";
import { $, el, field, say, select, show } from "./dom.js";
import { count, t } from "./texts.js";

const TEXT = ["time_format", "freq", "fill", "sheet", "time_zone", "missing"];
const CHOICES = { decimal: [".", ","], aggregate: ["sum", "mean", "last"], wide: ["true", "false"] };
let found = null; // what the server said of the file
let onReady = () => {};

export function setUp(ready) {
  onReady = ready;
  $("file").addEventListener("change", () => $("file").files[0] && bring($("file").files[0]));
  $("example").addEventListener("click", async () => bring(new File([await (await fetch("/page/bikes.csv")).blob()], "bikes.csv")));
  const drop = $("drop");
  for (const kind of ["dragover", "dragleave", "drop"])
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files[0]) bring(event.dataTransfer.files[0]);
    });
}

export const file = () => found;

async function bring(chosen) {
  await look(chosen.name, () => post(`/v1/data?name=${encodeURIComponent(chosen.name)}`, chosen, "application/octet-stream"));
  $("file").value = "";
}

// Reads the file once more, with some options changed; null leaves one to what the data show.
function readAgain(changes, series = null) {
  const options = Object.fromEntries(Object.entries({ ...found.options, ...changes }).filter(([, value]) => value != null));
  return look(found.name, () => post(`/v1/data/${found.id}`, JSON.stringify({ options, series })));
}

async function look(name, ask) {
  $("data-status").textContent = t("reading", { name });
  show($("data-error"), false);
  try {
    found = await ask();
    paint();
    onReady(found.usable ? found : null);
  } catch (error) {
    say($("data-error"), error);
    if (!found) $("data-status").textContent = "";
    else paint();
  }
}

export function paint() {
  if (!found) return;
  $("data-status").textContent = found.usable ? t("fit") : t("unusable");
  show($("data"));
  paintError();
  paintRoles();
  paintOptions();
  const facts = found.facts;
  $("summary").textContent = facts
    ? t("summary", { ...facts, name: found.name, rows: count(facts.rows), series: count(facts.series), step: facts.frequency ? t("step", facts) : "" })
    : found.name;
  $("findings").replaceChildren(
    ...(found.findings ?? []).map((finding) => el("li", { class: finding.level, lang: "en" }, plain(`${finding.what}: ${finding.advice}.`), buttons(finding.repairs))),
  );
  for (const node of [$("series-chart"), $("shown-field")]) show(node, Boolean(found.shown));
  if (!found.shown) return;
  const names = found.names.map((name) => [name, name]);
  $("shown-field").replaceChildren(...(names.length > 1 ? [field(t("shownSeries"), select(names, found.shown.name, (name) => readAgain({}, name)))] : []));
  draw($("series-chart"), seriesChart(found.shown));
}

function paintError() {
  const box = $("data-error");
  show(box, Boolean(found.error));
  if (found.error) box.replaceChildren(el("span", { lang: "en" }, plain(found.error)), buttons(found.repairs));
}

// Without the options of the command line: here they are buttons and fields.
const plain = (text) => text.replace(/ \(--[^()]*\)/g, "");

// A button for each repair that a message proposes.
function buttons(repairs) {
  if (!repairs.length) return null;
  const all = repairs.flatMap((repair) => Object.entries(repair));
  return el("div", { class: "repairs" }, ...all.map(([option, value]) =>
    el("button", { type: "button", onclick: () => readAgain({ [option]: value }) }, t("repairWith", { option, value: value === "" ? "''" : value }))));
}

function paintRoles() {
  const roles = found.roles ?? { time: [], series: [], target: null };
  const fields = [["time", "time_col", roles.time], ["series", "id_col", roles.series], ["target", "target_col", roles.target ? [roles.target] : []]];
  $("roles").replaceChildren(...(found.columns.length ? fields : []).map(([role, option, taken]) => {
    const given = found.options[option];
    const automatic = `${t("automatic")}${given ? "" : `: ${taken.join(" + ") || t("none")}`}`;
    const choices = [["", automatic], ...found.columns.map((name) => [name, name])];
    const chosen = given == null ? "" : String([given].flat()[0]);
    return field(t(role), select(choices, chosen, (name) => readAgain({ [option]: name || null })));
  }));
}

function paintOptions() {
  const { options } = found;
  const change = (name) => (event) => readAgain({ [name]: typed(name, event.target.value.trim()) });
  const texts = TEXT.map((name) => field(t(name), el("input", { id: `option-${name}`, value: options[name] ?? "", onchange: change(name) })));
  const labels = (value) => ({ true: t("yes"), false: t("no"), sum: t("sum"), mean: t("mean"), last: t("last") })[value] ?? value;
  const choices = Object.entries(CHOICES).map(([name, values]) =>
    field(t(name), select([["", t("automatic")], ...values.map((value) => [value, labels(value)])], String(options[name] ?? ""), (value) => readAgain({ [name]: typed(name, value) }))));
  $("options").replaceChildren(...choices, ...texts);
}

function typed(name, value) {
  if (value === "") return null;
  if (name === "wide") return value === "true";
  return name === "fill" && !Number.isNaN(Number(value)) ? Number(value) : value;
}
