import assert from "node:assert/strict";
import { test } from "node:test";

import { duration, inUnit, logSentence, measurementSentence, percent, strategyTitle } from "../../static/js/wording.js";

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

test("what was measured is told with its slowest tenth and what was rejected", () => {
  const block = { label: "block a", precision: "int8", median_ms: 0.01234, p90_ms: 0.013, samples: 30, rejected: 4 };
  const network = { label: "network 3", precision: "fp32", sum_ms: 1.2, measured_ms: 11.04 };

  assert.equal(
    measurementSentence({ kind: "block_measured", payload: block }),
    "Measured last: block a in int8, 0.0123\u202fms (p90 0.0130\u202fms; 30 samples, 4 rejected).",
  );
  assert.equal(
    measurementSentence({ kind: "network_measured", payload: network }),
    "Measured last: network 3 end to end in fp32, 11.0\u202fms; its rows sum to 1.20\u202fms.",
  );
  assert.equal(measurementSentence({ kind: "progress", payload: {} }), null);
});
