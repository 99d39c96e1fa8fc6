// The charts, by plotly.js; drawn again when language or colours change.
import { count, number, t } from "./texts.js";

const drawn = new Map(); // element: how it is drawn
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export function draw(node, make) {
  drawn.set(node, make);
  const { traces, layout = {}, label } = make();
  node.setAttribute("aria-label", label);
  const axis = { gridcolor: colour("grid"), zerolinecolor: colour("grid"), linecolor: colour("line"), automargin: true, fixedrange: true };
  const whole = {
    margin: { l: 8, r: 12, t: 8, b: 8 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour("ink") }, hovermode: "x unified",
    hoverlabel: { bgcolor: colour("card"), bordercolor: colour("line") }, legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom" },
    ...layout, xaxis: { ...axis, ...layout.xaxis }, yaxis: { ...axis, tickformat: "~g", ...layout.yaxis },
  };
  return Plotly.react(node, traces, whole, { displayModeBar: false, responsive: true });
}

export function redraw() {
  for (const [node, make] of drawn) if (node.isConnected && node.offsetParent) draw(node, make);
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

// The chart as a file, with the page's background.
export const savePicture = (node, filename) =>
  Plotly.downloadImage({ data: node.data, layout: { ...node.layout, paper_bgcolor: colour("card") } }, { filename, format: "png", width: 1200, height: 600, scale: 2 });

const line = (x, y, name, shade, more = {}) => ({ x, y, name, mode: "lines", type: "scatter", line: { color: colour(shade), width: 1.6 }, ...more });
// Time stamps are text that plotly.js reads; whole numbers stay numbers.
const axisOf = (ds) => ({ type: typeof ds[0] === "number" || /^-?\d+$/.test(ds[0]) ? "linear" : "date" });

// Where steps are missing the line has a gap.
function withGaps(ds, y) {
  const times = axisOf(ds).type === "date" ? ds.map((stamp) => Date.parse(stamp.replace(" ", "T"))) : ds.map(Number);
  const steps = times.slice(1).map((time, i) => time - times[i]);
  const usual = [...steps].sort((a, b) => a - b)[steps.length >> 1];
  const [x, values] = [[], []];
  ds.forEach((stamp, i) => {
    if (i && steps[i - 1] > 1.7 * usual) {
      x.push(stamp);
      values.push(null);
    }
    x.push(stamp);
    values.push(y[i]);
  });
  return [x, values];
}

// Bounds of the intervals, the widest first: [level, lo, hi].
export function intervals(columns) {
  const levels = Object.keys(columns).map((name) => /^GRU-lo-(.+)$/.exec(name)?.[1]).filter(Boolean);
  return levels.sort((a, b) => b - a).map((level) => [level, columns[`GRU-lo-${level}`], columns[`GRU-hi-${level}`]]);
}

function band(x, [level, lo, hi], place) {
  const fill = colour("forecast") + (place ? "55" : "2e");
  const look = { mode: "lines", type: "scatter", line: { width: 0 }, legendgroup: level };
  return [
    { ...look, x, y: lo, showlegend: false, name: `${level}% ↓` },
    { ...look, x, y: hi, fill: "tonexty", fillcolor: fill, name: t("interval", { level }) },
  ];
}

export const seriesChart = (shown) => () => ({
  label: t("seriesChart", { name: shown.name, n: count(shown.y.length), last: number(shown.y.at(-1)) }),
  traces: [line(...withGaps(shown.ds, shown.y), t("observed"), "series", { mode: shown.y.length < 60 ? "lines+markers" : "lines" })],
  layout: { xaxis: axisOf(shown.ds), showlegend: false },
});

export const lossChart = (parts) => () => ({
  label: t("lossChart"),
  traces: parts.map((part, i) => line([...part.x], [...part.y], t(i ? "lossFinal" : "lossTest"), i ? "forecast" : "second")),
  layout: { showlegend: true, yaxis: { title: { text: t("loss") } } },
});

// Of a stream: what is remembered, the forecast if there is one, and the alarms.
export const streamChart = ({ name, observed, forecast, alarms }) => () => ({
  label: t("streamChart", { name }),
  traces: [
    ...(forecast ? intervals(forecast).flatMap((interval, place) => band(forecast.ds, interval, place)) : []),
    line(observed.ds, observed.y, t("observed"), "series", { mode: observed.y.length < 60 ? "lines+markers" : "lines" }),
    ...(forecast ? [line(forecast.ds, forecast.GRU, t("median"), "forecast", { line: { color: colour("forecast"), width: 2.2 } })] : []),
    { x: alarms.map((alarm) => alarm.ds), y: alarms.map((alarm) => alarm.y), name: t("alarms"), mode: "markers", type: "scatter", marker: { color: colour("bad"), size: 10, symbol: "x" } },
  ],
  layout: { xaxis: axisOf(observed.ds) },
});

export const fanChart = ({ name, history, forecast }) => () => {
  const tail = Math.max(4 * forecast.ds.length, 60);
  const [ds, y] = [history.ds.slice(-tail), history.y.slice(-tail)];
  return {
    label: t("fanChart", { name, n: forecast.ds.length, first: forecast.ds[0], last: forecast.ds.at(-1) }),
    traces: [
      ...intervals(forecast).flatMap((interval, place) => band(forecast.ds, interval, place)),
      line(...withGaps(ds, y), t("observed"), "series"),
      line(forecast.ds, forecast.GRU, t("median"), "forecast", { line: { color: colour("forecast"), width: 2.2 } }),
    ],
    layout: { xaxis: axisOf(forecast.ds) },
  };
};

export const pastChart = ({ name, past }, models) => () => {
  const shades = ["forecast", "second"];
  return {
    label: t("pastChart", { name }),
    traces: [
      line(past.ds, past.y, t("observed"), "series"),
      ...models.map((model, i) => line(past.ds, past[model], i ? model : `GRU, ${t("past")}`, shades[i], { line: { color: colour(shades[i]), width: 1.8, dash: i ? "dot" : "solid" } })),
    ],
    layout: { xaxis: axisOf(past.ds) },
  };
};

export const gatesChart = (gates) => () => ({
  label: t("gatesChart", { n: gates.update.length }),
  traces: [{
    type: "heatmap", x: gates.ds, z: gates.update, zmin: 0, zmax: 1, colorscale: "Cividis", colorbar: { thickness: 12, outlinewidth: 0 },
    text: gates.memory.map((steps) => gates.ds.map(() => t("memory", { steps: number(steps, 3) }))), hovertemplate: "%{x}: %{z}<br>%{text}<extra></extra>",
  }],
  layout: { hovermode: "closest", xaxis: axisOf(gates.ds), yaxis: { title: { text: t("unit") }, autorange: "reversed", showticklabels: false, ticks: "" } },
});
