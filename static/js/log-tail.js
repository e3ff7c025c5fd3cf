// The last lines of the log; new ones are read aloud only if the person asks.

import { logSentence } from "./wording.js";

const MOST_LINES = 200;

export function startLogTail(list, toggle) {
  const tail = list.parentElement;
  toggle?.addEventListener("change", () => {
    tail.setAttribute("aria-live", toggle.checked ? "polite" : "off");
  });
  let isOwn = false;
  return (events) => {
    const lines = events.map(lineFor).filter(Boolean);
    if (!lines.length) return;
    if (!isOwn) list.replaceChildren(); // the server's lines come again, from the first on
    isOwn = true;
    const wasAtEnd = tail.scrollTop + tail.clientHeight >= tail.scrollHeight - 8;
    list.append(...lines.slice(-MOST_LINES));
    while (list.childElementCount > MOST_LINES) list.firstElementChild.remove();
    if (wasAtEnd) tail.scrollTop = tail.scrollHeight;
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
