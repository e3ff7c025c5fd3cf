// A running job's page: one stream of events feeds the head, the charts and the log.

import { openStream } from "./event-stream.js";
import { showBest, showLink, showMeasured, showProgress, showState } from "./job-header.js";
import { LiveChart } from "./live-chart.js";
import { startLogTail } from "./log-tail.js";
import { onThemeChange } from "./theme-choice.js";

const root = document.querySelector("[data-job]");
const unit = JSON.parse(document.getElementById("budget-unit").textContent);
const charts = [...root.querySelectorAll("[data-live-chart]")].map((each) => new LiveChart(each));
const tellLog = startLogTail(root.querySelector("[data-log]"), root.querySelector("[data-log-aloud]"));
let isLeaving = false;

function onEvents(events) {
  showProgress(root, events);
  showBest(root, events, unit);
  showMeasured(root, events);
  tellLog(events);
  for (const chart of charts) chart.take(events);
}

function onState(state) {
  showState(root, state);
  document.title = `${Math.round(100 * state.fraction)} % · ${root.dataset.name} · Bespoke`;
  if (state.is_over && !isLeaving) {
    isLeaving = true;
    stream.close();
    location.reload(); // the same address now shows the result, or why there is none
  }
}

const scheme = location.protocol === "https:" ? "wss:" : "ws:";
const stream = openStream({
  socketUrl: `${scheme}//${location.host}${root.dataset.socket}`,
  eventsUrl: root.dataset.events,
  handlers: { onEvents, onState, onLink: (link) => showLink(root, link) },
});
onThemeChange(() => charts.forEach((chart) => chart.redraw()));
addEventListener("pagehide", () => stream.close());
