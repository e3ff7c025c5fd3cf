import assert from "node:assert/strict";
import { test } from "node:test";

import { duration, inUnit, logSentence, percent, strategyTitle } from "../../static/js/wording.js";

test("ratios are percent only in words", () => {
  assert.equal(percent(0.9071), "90.7\u202f%");
  assert.equal(percent(0.62, 0), "62\u202f%");
});

test("durations are rounded as people say them", () => {
  assert.equal(duration(0.2), "1\u202fs");
  assert.equal(duration(48.4), "48\u202fs");
  assert.equal(duration(200), "3\u202fmin");
  assert.equal(duration(3 * 3600 + 5 * 60), "3\u202fh 05\u202fmin");
});

test("a value is shown in the unit it is given", () => {
  assert.equal(inUnit(231_000, { symbol: "kB", size: 1000 }), "231\u202fkB");
  assert.equal(inUnit(3.94, { symbol: "ms", size: 1 }), "3.94\u202fms");
});

test("the log has a sentence for what concerns a reader, and none for the rest", () => {
  assert.equal(logSentence({ kind: "log_line", payload: { text: "Done." } }), "Done.");
  assert.equal(logSentence({ kind: "run_started", payload: { device: "cpu" } }), "Started on cpu.");
  assert.equal(logSentence({ kind: "progress", payload: {} }), null);
});

test("strategies are called as people call them", () => {
  assert.equal(strategyTitle("hill_climb"), "hill climbing");
});
