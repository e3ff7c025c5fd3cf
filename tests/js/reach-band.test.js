import assert from "node:assert/strict";
import { test } from "node:test";

import { limitAt, shareOf } from "../../static/js/reach-band.js";

test("a limit has its place on the axis, and stays on it", () => {
  assert.equal(shareOf(4, 2, 10), 0.25);
  assert.equal(shareOf(-5, 2, 10), 0);
  assert.equal(shareOf(99, 2, 10), 1);
});

test("an axis without length has one place", () => {
  assert.equal(shareOf(3, 3, 3), 0);
});

test("the slider's ends are what can be reached, to the digit", () => {
  assert.equal(limitAt(0, 2.000123, 8.379876), 2.000123);
  assert.equal(limitAt(1, 2.000123, 8.379876), 8.379876);
});

test("between the ends a limit is one a person can read", () => {
  assert.equal(limitAt(0.333, 2.000123, 8.379876), 4.125);
});
