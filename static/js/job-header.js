// The head of a running job's page: state, what it waits for, progress, what one may ask of it.

import { duration, inUnit, measurementSentence, percent, strategyTitle } from "./wording.js";

const LINK_WORDS = {
  connecting: "Connecting",
  live: "Live",
  polling: "Live, by polling",
  stale: "Connection lost; what you see may be old",
  closed: "You may no longer see this job",
};

export function showLink(root, link) {
  const element = root.querySelector("[data-link]");
  element.dataset.link = link;
  element.textContent = LINK_WORDS[link];
}

export function showState(root, state) {
  const badge = root.querySelector("[data-state]");
  const look = state.stalled ? "stalled" : state.status;
  badge.className = `state state--${look}`;
  badge.textContent = state.stalled ? "Stalled" : state.status_label;
  root.querySelector("[data-waiting-for]").textContent = state.waiting_for;
  showFraction(root, state.fraction);
  showStage(root, state.status === "running" ? state.stage : "");
  if (state.status !== "running") root.querySelector("[data-eta]").hidden = true;
  for (const form of root.querySelectorAll("[data-request]")) {
    form.hidden = !state.allowed.includes(form.dataset.request);
  }
}

// Shows what the newest of these events say about progress.
export function showProgress(root, events) {
  const progress = events.findLast((event) => event.kind === "progress")?.payload;
  if (!progress) return;
  showFraction(root, progress.fraction);
  showStage(root, progress.stage);
  const eta = root.querySelector("[data-eta]");
  eta.hidden = progress.eta_s === null || progress.eta_s === undefined;
  if (!eta.hidden) eta.textContent = `about ${duration(progress.eta_s)} left`;
  root.querySelector("[data-done]").textContent =
    `${progress.done} of ${progress.total} ${progress.unit}`;
}

// Shows the newest best policy or network in one line.
export function showBest(root, events, unit) {
  const best = events.findLast(isBest);
  if (!best) return;
  const { kind, payload } = best;
  const cost = payload.costs[unit.metric];
  const at = cost === undefined ? "" : ` at ${inUnit(cost, unit)}`;
  const line = root.querySelector("[data-best]");
  line.textContent =
    kind === "candidate_found"
      ? `Best so far: ${percent(payload.accuracy)} before fine-tuning${at}, by ${strategyTitle(payload.strategy)}.`
      : `Best so far: ${percent(payload.accuracy)} with the supernet’s weights${at}.`;
  line.hidden = false;
}

// Shows what was measured last, in a run that measures.
export function showMeasured(root, events) {
  const measured = events.findLast((event) => measurementSentence(event) !== null);
  if (!measured) return;
  const line = root.querySelector("[data-best]");
  line.textContent = measurementSentence(measured);
  line.hidden = false;
}

function isBest({ kind, payload }) {
  return kind === "candidate_found" || (kind === "architecture_scored" && payload.is_best);
}

function showFraction(root, fraction) {
  const bar = root.querySelector("[data-bar]");
  bar.value = fraction;
  root.querySelector("[data-percent]").textContent = percent(fraction, 0);
}

function showStage(root, stage) {
  const items = [...root.querySelectorAll("[data-stage]")];
  const now = items.findIndex((item) => item.dataset.stage === stage);
  if (now < 0) return;
  for (const [index, item] of items.entries()) {
    item.dataset.stageState = index < now ? "done" : index === now ? "now" : "next";
    if (index === now) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
}
