// The second part: horizon and season, training with its progress, a stop.
import { follow, post, remove } from "./api.js";
import { draw, lossChart } from "./charts.js";
import { $, say, show } from "./dom.js";
import { duration, t } from "./texts.js";

let job = null;
let last = null; // event
let losses = [];
let onDone = () => {};
let readData = () => null;

export function setUp(data, done) {
  [readData, onDone] = [data, done];
  $("settings").addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  $("stop").addEventListener("click", () => job && remove(`/v1/fit/${job.id}`).catch((error) => say($("train-error"), error)));
}

// What the file proposes, once it is read.
export function offer(file) {
  show($("train"), Boolean(file));
  if (file) $("h").value = file.h ?? "";
  $("season").value = "";
  paint();
}

export function paint() {
  const file = readData();
  const found = file?.season?.filter((season) => season > 1) ?? [];
  $("season").placeholder = found.join(", ");
  $("season-help").textContent = found.length ? t("seasonHelp", { season: found.join(" + ") }) : t("seasonNone");
  if (last) told(last);
}

async function start() {
  const given = { data: readData().id, h: $("h").value, season_length: $("season").value, max_time: $("max-time").value };
  const query = new URLSearchParams(Object.entries(given).filter(([, value]) => value !== ""));
  busy(true);
  losses = [];
  try {
    job = await post(`/v1/fit?${query}`, null);
    told({ event: "waiting" });
    await follow(`/v1/fit/${job.id}/events`, told);
  } catch (error) {
    say($("train-error"), error);
  }
  busy(false);
  if (last?.event === "done") onDone(job);
}

function busy(working) {
  $("start").disabled = working;
  $("stop").disabled = !working;
  if (!working) return;
  show($("progress"));
  show($("train-error"), false);
  last = null;
  $("train-status").textContent = "";
  $("bar").removeAttribute("value");
}

// Takes an event of the training; false at its end.
function told(event) {
  last = event;
  if (event.event === "progress") return progress(event);
  if (event.event === "waiting") return ($("left").textContent = t(losses.length ? "preparing" : "waiting"));
  const ended = { done: t("finished"), stopped: t("stopped"), failed: "" }[event.event];
  $("left").textContent = $("train-status").textContent = ended;
  $("bar").value = event.event === "done" ? 1 : 0;
  if (event.event === "failed") say($("train-error"), Object.assign(new Error(event.error), { server: true }));
  return false;
}

function progress({ part, step, steps, loss, remaining }) {
  const own = (losses[part - 1] ??= { x: [], y: [] });
  if (own.x.at(-1) !== step) {
    own.x.push(step);
    own.y.push(loss);
  }
  $("bar").value = (Math.min(part, 2) - 1) / 2 + step / steps / 2;
  $("left").textContent = t(part > 1 ? "training" : "testing", { step, steps, left: duration(remaining) });
  draw($("loss-chart"), lossChart(losses.filter(Boolean)));
  return true;
}
