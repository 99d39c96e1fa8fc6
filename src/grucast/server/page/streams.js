// The second tab: observations as they come, the forecast after each, alarms.
import { follow, get, post, remove } from "./api.js";
import { draw, streamChart } from "./charts.js";
import { $, el, say, show, table } from "./dom.js";
import { number, t } from "./texts.js";

const EVERY = 2000; // milliseconds from one look at the list to the next
const MOST_ALARMS = 50;
const SHOWN = 10; // of them, in words
let kept = []; // series of the model
let standing = null; // of the series that is shown
let alarms = [];
let following = null; // stops the alarms of the series shown before
let timer = 0;

const query = (more = {}) => new URLSearchParams({ model: $("stream-model").value, ...more });
const path = (name, end) => `/v1/streams/${encodeURIComponent(name)}${end}?${query()}`;

export function setUp() {
  $("observation").addEventListener("submit", (event) => {
    event.preventDefault();
    observe().catch(complain);
  });
  $("stream-model").addEventListener("change", () => change().catch(complain));
  $("stream-remove").addEventListener("click", () => forget().catch(complain));
}

const complain = (error) => error.name !== "AbortError" && say($("streams-error"), error);

// Called when the tab is chosen: the models may be others by now.
export async function open() {
  try {
    const { models } = await get("/v1/models");
    const chosen = $("stream-model").value;
    $("stream-model").replaceChildren(...models.map(({ name }) => el("option", { value: name, selected: name === chosen }, name)));
    show($("streams-parts"), models.length > 0);
    if (models.length) await refresh();
    else say($("streams-error"), { server: true, message: t("noModel") });
  } catch (error) {
    complain(error);
  }
}

export function close() {
  clearTimeout(timer);
  following?.abort();
}

export function paint() {
  paintKept();
  paintStream();
}

async function change() {
  close();
  [standing, alarms] = [null, []];
  show($("stream"), false);
  await refresh();
}

// The list, now and again while the tab is open.
async function refresh() {
  clearTimeout(timer);
  kept = (await get(`/v1/streams?${query({ limit: 1000 })}`)).streams;
  show($("streams-error"), false);
  paintKept();
  if (!$("streams").hidden) timer = setTimeout(() => refresh().catch(complain), EVERY);
}

async function observe() {
  const [name, value] = [$("stream-name").value, $("stream-value").value];
  const body = { ds: timeOf($("stream-time").value.trim()), y: value === "" ? null : Number(value) };
  show($("streams-error"), false);
  const answer = await post(path(name, "/observations"), JSON.stringify(body));
  $("streams-status").textContent = answer.alarm ? t("addedAlarm", words(answer.alarms[0])) : t("added");
  $("stream-value").value = "";
  await refresh();
  await look(name);
}

const timeOf = (text) => (/^-?\d{1,9}$/.test(text) && text.length !== 8 ? Number(text) : text);
const words = (alarm) => ({ ...alarm, y: number(alarm.y), lo: number(alarm.lo), hi: number(alarm.hi) });

// Shows a series, and its alarms as they come.
async function look(name) {
  const same = standing?.series === name;
  standing = await get(path(name, "/forecast"));
  show($("stream"));
  if (!same) {
    following?.abort();
    following = new AbortController();
    alarms = [];
    follow(path(name, "/events"), rang, following.signal).catch(complain);
  }
  paintStream();
}

function rang(alarm) {
  alarms = [...alarms, alarm].slice(-MOST_ALARMS);
  paintStream();
}

async function forget() {
  await remove(path(standing.series, ""));
  $("streams-status").textContent = t("removed");
  await change();
}

function paintKept() {
  show($("kept"), kept.length > 0);
  $("stream-names").replaceChildren(...kept.map(({ series }) => el("option", { value: series })));
  const focused = document.activeElement?.dataset?.series;
  const rows = kept.map(({ series, ds, alarm }) => [
    el("button", { type: "button", "data-series": series, onclick: () => look(String(series)).catch(complain) }, String(series)),
    ds,
    alarm ? `${number(alarm.y)} (${alarm.ds})` : "",
  ]);
  $("kept-list").replaceChildren(table([t("series"), t("lastTime"), t("lastAlarm")], rows));
  if (focused) $("kept-list").querySelector(`[data-series="${CSS.escape(focused)}"]`)?.focus();
}

function paintStream() {
  if (!standing || $("stream").hidden) return;
  $("h-stream").textContent = `${t("streamForecast")}: ${standing.series}`;
  draw($("stream-chart"), streamChart({ ...standing, name: standing.series, alarms }));
  const said = alarms.slice(-SHOWN).reverse().map((alarm) => el("li", { class: "alarm" }, t("alarm", { ...words(alarm), name: standing.series })));
  $("alarms").replaceChildren(...(said.length ? said : [el("li", {}, t("noAlarms"))]));
}
