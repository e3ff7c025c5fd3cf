import assert from "node:assert/strict";
import { test } from "node:test";

import { selectionWords, toggled } from "../../static/js/run-selection.js";

test("a run is ticked once, and unticked", () => {
  assert.deepEqual(toggled(["a"], "b", true), ["a", "b"]);
  assert.deepEqual(toggled(["a", "b"], "b", true), ["a", "b"]);
  assert.deepEqual(toggled(["a", "b"], "a", false), ["b"]);
});

test("no more are kept than one page shows", () => {
  const eight = ["a", "b", "c", "d", "e", "f", "g", "h"];

  assert.deepEqual(toggled(eight, "i", true), [...eight.slice(1), "i"]);
});

test("the words say what is missing", () => {
  assert.match(selectionWords(0), /two or more/);
  assert.match(selectionWords(1), /one more/);
  assert.match(selectionWords(3), /^3 runs/);
  assert.match(selectionWords(8), /most/);
});
