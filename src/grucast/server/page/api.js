// Calls of the server.
import { $ } from "./dom.js";
import { t } from "./texts.js";

let token = sessionStorage.getItem("token");

export class ServerError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
    this.server = true;
  }
}

export async function call(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(t("lost"));
  }
  if (answer.status === 401) {
    await askToken();
    return call(path, options);
  }
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new ServerError(said.error ?? answer.statusText, answer.status);
  }
  return answer;
}

export const get = async (path) => (await call(path)).json();
export const post = async (path, body, type = "application/json") =>
  (await call(path, { method: "POST", headers: { "Content-Type": type }, body })).json();
export const remove = async (path) => (await call(path, { method: "DELETE" })).json();

function askToken() {
  const dialog = $("ask-token");
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      token = $("token").value;
      sessionStorage.setItem("token", token);
      resolve();
    }, { once: true });
    if (!dialog.open) dialog.showModal();
  });
}

// Server-Sent Events, with the token in a header, which EventSource cannot send. Goes on where it was cut off.
export async function follow(path, onEvent, signal) {
  let last = null;
  for (;;) {
    const headers = { Accept: "text/event-stream", ...(last == null ? {} : { "Last-Event-ID": last }) };
    const reader = (await call(path, { headers, signal })).body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        text += value;
        const frames = text.split("\n\n");
        text = frames.pop();
        for (const frame of frames) {
          const lines = Object.fromEntries(frame.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
          if (!lines.data) continue;
          last = lines.id ?? last;
          if (onEvent(JSON.parse(lines.data)) === false) return;
        }
      }
    } catch (error) {
      if (error.name === "AbortError") throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
