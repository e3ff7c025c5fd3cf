// How numbers and events read in words; the same words the server uses.

const THIN = "\u202f";

export function percent(ratio, places = 1) {
  return `${(100 * ratio).toFixed(places)}${THIN}%`;
}

export function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))}${THIN}s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes}${THIN}min`;
  return `${Math.floor(minutes / 60)}${THIN}h ${String(minutes % 60).padStart(2, "0")}${THIN}min`;
}

export function inUnit(value, { symbol, size }) {
  const shown = value / size;
  const places = shown >= 100 ? 0 : shown >= 20 ? 1 : 2;
  return `${shown.toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places })}${THIN}${symbol}`;
}

// Returns the log's sentence for an event, or null where it has none.
export function logSentence({ kind, payload }) {
  if (kind === "log_line") return payload.text;
  if (kind === "run_started") return `Started on ${payload.device}.`;
  if (kind === "run_resumed") return `Went on from the checkpoint: ${payload.stage}, step ${payload.step}.`;
  return null;
}

// Returns what a profile measured, in a sentence, or null for any other event.
export function measurementSentence({ kind, payload }) {
  if (kind === "network_measured") {
    const { label, precision, measured_ms, sum_ms } = payload;
    return `Measured last: ${label} end to end in ${precision}, ${inMs(measured_ms)}; its rows sum to ${inMs(sum_ms)}.`;
  }
  if (kind !== "block_measured") return null;
  const { label, precision, median_ms, p90_ms, samples, rejected } = payload;
  return `Measured last: ${label} in ${precision}, ${inMs(median_ms)} (p90 ${inMs(p90_ms)}; ${samples} samples, ${rejected} rejected).`;
}

function inMs(value) {
  return `${value < 10 ? value.toPrecision(3) : value.toFixed(1)}${THIN}ms`;
}

export function strategyTitle(strategy) {
  return strategy.replaceAll("_", " ").replace("climb", "climbing");
}
