// All that the page says, in both languages; {name} is filled in.
const TEXTS = {
  en: {
    tabs: "Parts of the page", tabForecast: "Forecast", tabStreams: "Streams", language: "Language",
    yourData: "1. Your data", chooseFile: "Choose a file", orDrop: "or drop one here, or", tryExample: "try the example",
    kinds: "CSV of any kind, Excel, OpenDocument, JSON, Parquet, Arrow, SQLite; also packed. It stays on this server.",
    reading: "Reading {name} …", summary: "{name}: {rows} rows, {series} series, from {first} to {last}{step}.",
    step: ", step {frequency}", time: "Time", series: "Series", target: "To forecast", automatic: "automatic",
    none: "none", moreOptions: "How the file is written", shownSeries: "Series shown", unusable: "The file cannot be used as it is.",
    fit: "The data can be used.", repairWith: "Read with {option} = {value}",
    time_format: "Time stamps, such as %d.%m.%Y or “day first”", decimal: "Decimal mark", freq: "Step, such as h, D, W, ME",
    aggregate: "Rows of the same time", fill: "Value of steps without a row", sheet: "Sheet of the workbook",
    time_zone: "Time zone, such as Europe/Berlin", missing: "What stands for a missing value", wide: "Each column is a series",
    sum: "sum", mean: "mean", last: "last", yes: "yes", no: "no",
    forecastIt: "2. Forecast it", horizon: "Steps to forecast", season: "Season, in steps", limit: "Time limit for a training",
    noLimit: "none", start: "Train and forecast", stop: "Stop", seasonHelp: "Found: seasons of {season} steps. Leave it empty to use them.",
    seasonNone: "No season was found; leave it empty for none.", progress: "Progress", waiting: "Waiting for its turn …", preparing: "Reading the data …",
    testing: "Testing on the past: step {step} of {steps}, about {left} left for this part", training: "Training: step {step} of {steps}, about {left} left",
    stopped: "Stopped.", finished: "The forecast is ready.", seconds: "{n} s", minutes: "{n} min",
    theForecast: "3. The forecast", numbers: "The numbers", code: "Python code that does the same", tested: "Tested on the past, beside simple forecasts",
    gates: "What the network remembers",
    gatesHelp: "The update gate of each unit over the window it reads: where it is near 1, the unit keeps what it knew; slow units are at the top.",
    layer: "Layer", csv: "Forecast (CSV)", xlsx: "Forecast (Excel)", picture: "Picture (PNG)", model: "Model", python: "Python code",
    observed: "observed", median: "forecast", interval: "{level}% interval", past: "forecast then", lossTest: "test", lossFinal: "training",
    loss: "loss", memory: "unit, remembers {steps} steps", unit: "units", model_: "model", held: "{level}% held",
    seriesChart: "Chart of series {name}: {n} values, the last is {last}.", fanChart: "Chart of the forecast of {name}: {n} steps, from {first} to {last}.",
    lossChart: "Chart of the training loss.", pastChart: "Chart of past forecasts of {name} beside what came.", gatesChart: "Heat map of the update gates of {n} units.",
    noTest: "The series are too short for a test.", token: "This server asks for a token", go: "Go on", failed: "That failed: {error}", lost: "The server does not answer.",
    streamsTitle: "Live streams", 
    noModel: "Streams need a model: start the server with one, or train one in the other tab.", streamModel: "Model", 
    streamTime: "Time", streamValue: "Value (empty: not observed)", observe: "Add the observation", streamList: "Series that are kept", remove: "Forget it",
    streamForecast: "After the last observation", alarms: "Alarms", alarm: "{name}: {y} at {ds} lies outside {lo} to {hi}", noAlarms: "None yet.",
    added: "Added. No alarm.", addedAlarm: "Added. Alarm: {y} lies outside {lo} to {hi}.", removed: "Forgotten.",
    streamsHelp: "Each observation is written down before it is answered; the forecast follows at once.", streamChart: "Chart of the forecast of {name}.",
    lastTime: "last observation", lastAlarm: "last alarm", 
  },
  zh: {
    tabs: "页面的部分", tabForecast: "预测", tabStreams: "数据流", language: "语言",
    yourData: "1. 您的数据", chooseFile: "选择文件", orDrop: "或把文件拖到这里，或", tryExample: "用示例试试",
    kinds: "各种 CSV、Excel、OpenDocument、JSON、Parquet、Arrow、SQLite，压缩的也可以。文件只留在这台服务器上。",
    reading: "正在读取 {name} …", summary: "{name}：{rows} 行，{series} 个序列，从 {first} 到 {last}{step}。",
    step: "，步长 {frequency}", time: "时间", series: "序列", target: "要预测的列", automatic: "自动",
    none: "无", moreOptions: "文件的写法", shownSeries: "显示的序列", unusable: "文件不能照原样使用。",
    fit: "数据可以使用。", repairWith: "按 {option} = {value} 读取",
    time_format: "时间的写法，例如 %d.%m.%Y 或 “day first”", decimal: "小数点", freq: "步长，例如 h、D、W、ME",
    aggregate: "同一时间的多行", fill: "缺行的步填什么值", sheet: "工作簿的工作表",
    time_zone: "时区，例如 Europe/Berlin", missing: "表示缺失的值", wide: "每一列是一个序列",
    sum: "求和", mean: "平均", last: "取最后", yes: "是", no: "否",
    forecastIt: "2. 预测", horizon: "预测步数", season: "季节长度（步）", limit: "每次训练的时限",
    noLimit: "无", start: "训练并预测", stop: "停止", seasonHelp: "识别到的季节：{season} 步。留空即采用。",
    seasonNone: "没有识别到季节；留空即不用季节。", progress: "进度", waiting: "排队中 …", preparing: "正在读取数据 …",
    testing: "用过去检验：第 {step} 步，共 {steps} 步，这一部分大约还需 {left}", training: "训练：第 {step} 步，共 {steps} 步，大约还需 {left}",
    stopped: "已停止。", finished: "预测已完成。", seconds: "{n} 秒", minutes: "{n} 分钟",
    theForecast: "3. 预测结果", numbers: "数字", code: "做同样事情的 Python 代码", tested: "用过去检验，与简单方法比较",
    gates: "网络记住了什么",
    gatesHelp: "网络读取的窗口上每个单元的更新门：接近 1 时，单元保持原来的记忆；慢的单元在上面。",
    layer: "层", csv: "预测（CSV）", xlsx: "预测（Excel）", picture: "图片（PNG）", model: "模型", python: "Python 代码",
    observed: "观测值", median: "预测", interval: "{level}% 区间", past: "当时的预测", lossTest: "检验", lossFinal: "训练",
    loss: "损失", memory: "单元，记住 {steps} 步", unit: "单元", model_: "模型", held: "{level}% 覆盖",
    seriesChart: "序列 {name} 的图：{n} 个值，最后一个是 {last}。", fanChart: "{name} 的预测图：{n} 步，从 {first} 到 {last}。",
    lossChart: "训练损失图。", pastChart: "{name} 过去的预测与实际值的图。", gatesChart: "{n} 个单元的更新门热图。",
    noTest: "序列太短，无法检验。", token: "服务器需要令牌", go: "继续", failed: "失败：{error}", lost: "服务器没有回答。",
    streamsTitle: "实时数据流", 
    noModel: "数据流需要模型：请带模型启动服务器，或在另一页训练一个。", streamModel: "模型", 
    streamTime: "时间", streamValue: "值（留空表示没有观测）", observe: "加入观测", streamList: "保存的序列", remove: "忘记它",
    streamForecast: "最后一次观测之后", alarms: "警报", alarm: "{name}：{ds} 的 {y} 在 {lo} 到 {hi} 之外", noAlarms: "还没有。",
    added: "已加入，没有警报。", addedAlarm: "已加入。警报：{y} 在 {lo} 到 {hi} 之外。", removed: "已忘记。",
    streamsHelp: "每个观测先写入存储再回答；预测立即更新。", streamChart: "{name} 的预测图。",
    lastTime: "最后一次观测", lastAlarm: "最后一次警报", 
  },
};
const VERDICTS = { Naive: "重复最后一个值", Drift: "沿首末两点的直线延伸" };

let language = "en";
export const current = () => language;

export function setLanguage(name) {
  language = name in TEXTS ? name : "en";
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", t(node.dataset.label));
}

export function t(key, values = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export const number = (value, digits = 4) =>
  value == null ? "" : new Intl.NumberFormat(language, { maximumSignificantDigits: digits }).format(value);
export const count = (value) => new Intl.NumberFormat(language).format(value);
export const percent = (share) => new Intl.NumberFormat(language, { style: "percent" }).format(share);

export function duration(seconds) {
  return seconds < 90 ? t("seconds", { n: Math.ceil(seconds) }) : t("minutes", { n: Math.round(seconds / 60) });
}

// The verdict; the server says it in English, and gives its numbers.
export function verdict(result) {
  const judged = result.judgement;
  if (language !== "zh") return `${result.verdict[0].toUpperCase()}${result.verdict.slice(1)}.`;
  if (!judged) return t("noTest");
  const season = /^SeasonalNaive(\d+)$/.exec(judged.simple ?? "");
  const simple = season ? `重复 ${season[1]} 步之前的值` : VERDICTS[judged.simple] ?? judged.simple;
  const tests = `（${judged.series} 个序列，${judged.windows} 次检验）`;
  const held = judged.held.map(({ level, share }) => `；${level}% 区间覆盖了 ${percent(share)}`).join("");
  if (!judged.simple) return `没有可比较的简单方法${tests}${held}。`;
  if (Math.abs(judged.gain) <= 0.02) return `与“${simple}”差不多${tests}${held}。`;
  if (judged.gain > 0) return `比“${simple}”好 ${percent(judged.gain)}${tests}${held}。`;
  return `这里“${simple}”更好（好 ${percent(-judged.gain)}）：请用它${tests}${held}。`;
}
