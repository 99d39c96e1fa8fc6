// Forecast from an exported model: node forecast.mjs model.onnx history.csv
// The model reads y and the calendar; history.csv has columns ds and y, one row a step, an empty y where there is none.
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-web";

const [model, history] = process.argv.slice(2);
const session = await ort.InferenceSession.create(readFileSync(model));
const shapes = Object.fromEntries(session.inputMetadata.map((input) => [input.name, input.shape]));
const steps = shapes.y[1]; // of history; time has those of the horizon too
const horizon = session.outputMetadata[0].shape[1];

const rows = readFileSync(history, "utf8").trim().split("\n").slice(1).slice(-steps).map((row) => row.split(","));
const utc = (ds) => BigInt(Date.parse(ds.replace(" ", "T") + "Z")) * 1000n; // microseconds since 1970
const first = utc(rows[0][0]);
const step = utc(rows[1][0]) - first;

const missing = steps - rows.length; // a short history is filled up from the front
const y = new Float64Array(steps).fill(NaN);
rows.forEach(([, value], k) => { if (value.trim()) y[missing + k] = Number(value); });
const observed = Uint8Array.from(y, (value) => (Number.isNaN(value) ? 0 : 1));
const time = BigInt64Array.from({ length: steps + horizon }, (_, k) => first + BigInt(k - missing) * step);

const feeds = { y: new ort.Tensor("float64", y, [1, steps]), observed: new ort.Tensor("bool", observed, [1, steps]) };
if (shapes.time) feeds.time = new ort.Tensor("int64", time, [1, steps + horizon]);
const { point, quantiles } = await session.run(feeds);
const count = quantiles.dims[2];
for (let k = 0; k < horizon; k++) {
  const ds = new Date(Number(time[steps + k] / 1000n)).toISOString().slice(0, 19);
  console.log([ds, point.data[k], ...quantiles.data.slice(k * count, (k + 1) * count)].join(","));
}
