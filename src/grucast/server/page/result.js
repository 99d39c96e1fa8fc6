// The third part: the forecast, how good such forecasts were, what the network remembers.
import { call, get } from "./api.js";
import { draw, fanChart, gatesChart, intervals, pastChart, savePicture } from "./charts.js";
import { $, el, field, save, say, select, show, table } from "./dom.js";
import { number, percent, t, verdict } from "./texts.js";

const MOST_ROWS = 500;
let result = null;
let series = null;
let gates = null;
let layer = 0;

export async function open(job) {
  try {
    result = await get(`/v1/fit/${job.id}`);
    show($("result"));
    layer = 0;
    await choose(null);
    $("h-result").focus();
  } catch (error) {
    say($("train-error"), error);
  }
}

export const hide = () => show($("result"), false);

const base = () => `/v1/fit/${result.id}`;
const query = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value != null));

async function choose(name) {
  series = await get(`${base()}/series?${query({ name })}`);
  $("code").textContent = await (await call(`${base()}/code`)).text();
  await chooseLayer(layer);
}

async function chooseLayer(number) {
  layer = number;
  gates = await get(`${base()}/gates?${query({ name: series.name, layer })}`).catch(() => null); // a series may have none
  paint();
}

export function paint() {
  if (!result || $("result").hidden) return;
  $("verdict").textContent = verdict(result);
  $("warnings").replaceChildren(...result.warnings.map((warning) => el("li", { lang: "en" }, `${warning}.`)));
  const names = series.names.map((name) => [name, name]);
  $("result-field").replaceChildren(...(names.length > 1 ? [field(t("series"), select(names, series.name, choose))] : []));
  draw($("fan-chart"), fanChart(series));
  paintDownloads();
  paintNumbers();
  paintScores();
  paintGates();
}

function paintDownloads() {
  const stem = result.file.replace(/\.[^.]*$/, "");
  const fetched = (path, name) => async () => save(await (await call(`${base()}/${path}`)).blob(), name);
  const buttons = [
    ["csv", fetched("forecast.csv", `${stem}-forecast.csv`)],
    ["xlsx", fetched("forecast.xlsx", `${stem}-forecast.xlsx`)],
    ["picture", () => savePicture($("fan-chart"), `${stem}-forecast`)],
    ["model", fetched("model", `${stem}.safetensors`)],
    ["python", fetched("code", `${stem}.py`)],
  ];
  $("downloads").replaceChildren(...buttons.map(([key, action]) =>
    el("button", { type: "button", id: `download-${key}`, onclick: () => action().catch((error) => say($("train-error"), error)) }, `↓ ${t(key)}`)));
}

function paintNumbers() {
  const { forecast } = series;
  const inner = intervals(forecast).reverse();
  const head = [t("time"), t("median"), ...inner.map(([level]) => t("interval", { level }))];
  const rows = forecast.ds.slice(0, MOST_ROWS).map((ds, i) =>
    [ds, number(forecast.GRU[i]), ...inner.map(([, lo, hi]) => `${number(lo[i])} – ${number(hi[i])}`)]);
  $("numbers").replaceChildren(table(head, rows));
}

function paintScores() {
  const tested = Boolean(result.scores.length && series.past);
  show($("past-chart"), tested);
  if (!tested) return $("scores").replaceChildren(el("p", {}, t("noTest")));
  const rival = result.scores.map((score) => score.model).find((model) => model.startsWith("SeasonalNaive"));
  draw($("past-chart"), pastChart(series, ["GRU", rival].filter(Boolean)));
  const levels = result.level;
  const least = (name) => Math.min(...result.scores.map((score) => score[name] ?? Infinity));
  const cell = (score, name) => ({ text: number(score[name]), best: score[name] === least(name) });
  const head = [t("model_"), "MAE", "RMSE", "MASE", ...levels.map((level) => t("held", { level }))];
  const rows = result.scores.map((score) => [
    score.model, cell(score, "mae"), cell(score, "rmse"), cell(score, "mase"),
    ...levels.map((level) => shareOf(score.coverage, level)),
  ]);
  $("scores").replaceChildren(table(head, rows));
}

function shareOf(coverage, level) {
  const [, share] = Object.entries(coverage).find(([name]) => Number(name) === level) ?? [];
  return share == null ? "" : percent(share);
}

function paintGates() {
  show($("gates-chart"), Boolean(gates));
  if (!gates) return;
  const layers = gates.layers.map((name, i) => [String(i), name]);
  $("layer-field").replaceChildren(...(layers.length > 1 ? [field(t("layer"), select(layers, String(layer), (i) => chooseLayer(Number(i))))] : []));
  draw($("gates-chart"), gatesChart(gates));
}
