import assert from "node:assert/strict";
import { test } from "node:test";

import { figureAt } from "../../static/js/moments.js";

test("a moment's values take the place of the last ones, and nothing else changes", () => {
  const figure = { data: [{ type: "heatmap", z: [[1]], x: [1] }, { type: "bar" }], layout: { height: 9 } };

  const then = figureAt(figure, { words: "step 3", z: [[0.5]] });

  assert.deepEqual(then.data[0], { type: "heatmap", z: [[0.5]], x: [1] });
  assert.deepEqual(then.data[1], { type: "bar" });
  assert.deepEqual(then.layout, { height: 9 });
  assert.deepEqual(figure.data[0].z, [[1]]);
});
