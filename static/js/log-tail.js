// The last lines of the log; new ones are read aloud only if the person asks.

import { logSentence } from "./wording.js";

const MOST_LINES = 200;

export function startLogTail(list, toggle) {
  toggle?.addEventListener("change", () => {
    list.setAttribute("aria-live", toggle.checked ? "polite" : "off");
  });
  return (events) => {
    const lines = events.map(lineFor).filter(Boolean);
    if (!lines.length) return;
    const wasAtEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 8;
    list.querySelector("[data-log-empty]")?.remove();
    list.append(...lines.slice(-MOST_LINES));
    while (list.childElementCount > MOST_LINES) list.firstElementChild.remove();
    if (wasAtEnd) list.scrollTop = list.scrollHeight;
  };
}

function lineFor(event) {
  const sentence = logSentence(event);
  if (sentence === null) return null;
  const line = document.createElement("li");
  line.className = "log-tail__line";
  if (event.payload.level === "warning") line.classList.add("log-tail__line--warning");
  const time = document.createElement("time");
  time.className = "log-tail__time";
  time.dateTime = event.at;
  time.textContent = new Date(event.at).toLocaleTimeString("en-GB");
  const words = document.createElement("span");
  words.textContent = event.payload.level === "warning" ? `Warning: ${sentence}` : sentence;
  line.append(time, words);
  return line;
}
