// Forecast from an exported model: grucast export model.safetensors --onnx model.onnx --json > model.json
//                                  node forecast.mjs model.onnx model.json history.csv
// The model reads y and the calendar, in steps of a fixed length; history.csv has the columns ds and y, in order of time.
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-web";

const [model, about, history] = process.argv.slice(2);
const { h, input_size: steps, frequency } = JSON.parse(readFileSync(about, "utf8")).description;
const step = BigInt(frequency.step); // microseconds
const session = await ort.InferenceSession.create(readFileSync(model));

const utc = (ds) => BigInt(Date.parse(ds.replace(" ", "T").replace(/Z?$/, "Z"))) * 1000n;
const rows = readFileSync(history, "utf8").trim().split(/\r?\n/).slice(1).map((row) => row.split(","));
const last = utc(rows.at(-1)[0]);
const y = new Float64Array(steps).fill(NaN); // what has no row stays NaN
for (const [ds, value] of rows) {
  const place = steps - 1 - Number((last - utc(ds)) / step);
  if (place >= 0 && value !== "") y[place] = Number(value);
}
const observed = Uint8Array.from(y, (value) => (Number.isNaN(value) ? 0 : 1));
const time = BigInt64Array.from({ length: steps + h }, (_, k) => last + BigInt(k - steps + 1) * step);

const feeds = { y: new ort.Tensor("float64", y, [1, steps]), observed: new ort.Tensor("bool", observed, [1, steps]) };
if (session.inputNames.includes("time")) feeds.time = new ort.Tensor("int64", time, [1, steps + h]);
const { point, quantiles } = await session.run(feeds);
console.log("ds,GRU,lowest,highest");
for (let k = 0; k < h; k++) {
  const ds = new Date(Number(time[steps + k] / 1000n)).toISOString().slice(0, 19);
  const count = quantiles.dims[2];
  console.log([ds, point.data[k], quantiles.data[k * count], quantiles.data[(k + 1) * count - 1]].join(","));
}
