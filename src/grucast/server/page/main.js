// Puts the parts together: tabs, language.
import { get } from "./api.js";
import { redraw } from "./charts.js";
import * as data from "./data.js";
import { $, show } from "./dom.js";
import * as result from "./result.js";
import * as streams from "./streams.js";
import { setLanguage } from "./texts.js";
import * as train from "./train.js";

const TABS = ["forecast", "streams"];

function choose(name, focus = true) {
  for (const tab of TABS) {
    const button = $(`tab-${tab}`);
    button.setAttribute("aria-selected", String(tab === name));
    button.tabIndex = tab === name ? 0 : -1;
    show($(tab), tab === name);
  }
  if (focus) $(`tab-${name}`).focus();
  history.replaceState(null, "", name === "streams" ? "#streams" : "#");
  if (name === "streams") streams.open();
  else streams.close();
  redraw();
}

for (const tab of TABS) {
  $(`tab-${tab}`).addEventListener("click", () => choose(tab));
  $(`tab-${tab}`).addEventListener("keydown", (event) => {
    if (["ArrowLeft", "ArrowRight"].includes(event.key)) choose(TABS[1 - TABS.indexOf(tab)]);
  });
}

function speak(language) {
  setLanguage(language);
  localStorage.setItem("language", language);
  $("language").value = language;
  for (const part of [data, train, result, streams]) part.paint();
}

$("language").addEventListener("change", () => speak($("language").value));
speak(localStorage.getItem("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
data.setUp((file) => {
  train.offer(file);
  result.hide();
});
train.setUp(data.file, result.open);
streams.setUp();
await get("/v1/models").catch(() => null); // asks for the token at once where there is one
if (location.hash === "#streams") choose("streams", false);
