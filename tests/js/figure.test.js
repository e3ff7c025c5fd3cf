import assert from "node:assert/strict";
import { test } from "node:test";

import { withColors } from "../../static/js/figure.js";

test("names of the page's colors become colors wherever they stand", () => {
  const figure = {
    data: [{ marker: { color: ["var(--accent)", "red"] } }],
    layout: { font: { color: "var(--text)", size: 12 } },
  };

  const colored = withColors(figure, (name) => `<${name}>`);

  assert.deepEqual(colored.data[0].marker.color, ["<--accent>", "red"]);
  assert.deepEqual(colored.layout.font, { color: "<--text>", size: 12 });
});

test("the figure it was given keeps the names, for the next theme", () => {
  const figure = { layout: { color: "var(--text)" } };

  withColors(figure, () => "black");

  assert.equal(figure.layout.color, "var(--text)");
});

test("words that only mention a variable are left alone", () => {
  assert.equal(withColors("see var(--text) here", () => "black"), "see var(--text) here");
  assert.equal(withColors(null, () => "black"), null);
});
