// Run a model on inputs of every type: node forecast_all.mjs model.onnx inputs.json, which holds {name: {type, dims, data}}.
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-web";

const [model, inputs] = process.argv.slice(2).map((path) => readFileSync(path));
const arrays = {
  float64: (data) => Float64Array.from(data, Number),
  int64: (data) => BigInt64Array.from(data, BigInt),
  bool: (data) => Uint8Array.from(data),
};
const session = await ort.InferenceSession.create(model);
const feeds = Object.fromEntries(
  Object.entries(JSON.parse(inputs)).map(([name, { type, dims, data }]) => [name, new ort.Tensor(type, arrays[type](data), dims)]),
);
const { quantiles } = await session.run(feeds);
console.log(JSON.stringify(Array.from(quantiles.data)));
