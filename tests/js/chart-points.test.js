import assert from "node:assert/strict";
import { test } from "node:test";

import { emptyPoints, framedRange, plotlyTrace, pointsFrom, rowsFrom, valueAt } from "../../static/js/chart-points.js";

const trace = (changes = {}) => ({
  event: "episode_finished",
  x: "episode",
  y: "accuracy",
  mode: "append",
  where: {},
  labels: "",
  scale: 1,
  logFloor: null,
  plotly: { type: "scatter", name: "Agent" },
  ...changes,
});

const episode = (number, accuracy, strategy = "agent") => ({
  kind: "episode_finished",
  payload: { episode: number, accuracy, strategy },
});

test("a path leads into maps, and a star takes all their values", () => {
  const payload = { policy: { layers: { a: { bits: 4 }, b: { bits: 8 } } } };

  assert.deepEqual(valueAt(payload, "policy.layers.*.bits"), [4, 8]);
  assert.equal(valueAt(payload, "policy.none.at.all"), undefined);
});

test("each event of its kind is a point", () => {
  const [points] = pointsFrom([trace()], [episode(1, 0.5), episode(2, 0.6)]);

  assert.deepEqual(points.x, [1, 2]);
  assert.deepEqual(points.y, [0.5, 0.6]);
});

test("ratios are shown as percent where the trace says so", () => {
  const [points] = pointsFrom([trace({ scale: 100 })], [episode(1, 0.5)]);

  assert.deepEqual(points.y, [50]);
});

test("a trace takes only events that its condition names", () => {
  const own = trace({ where: { strategy: "random" } });

  const [points] = pointsFrom([own], [episode(1, 0.5), episode(1, 0.7, "random")]);

  assert.deepEqual(points.y, [0.7]);
});

test("a bar runs through each point where the trace names its ends, and the twin tells them", () => {
  const timed = trace({ event: "block_measured", x: "macs", y: "ms", low: "p10", high: "p90", labels: "label" });
  const event = { kind: "block_measured", payload: { macs: 9, ms: 2, p10: 1.5, p90: 4, label: "block a" } };

  const all = pointsFrom([timed], [event]);

  const { error_y } = plotlyTrace(timed, all[0]);
  assert.deepEqual([error_y.array, error_y.arrayminus], [[2], [0.5]]);
  assert.deepEqual(rowsFrom([timed], all), [["block a, agent", 9, 2, 1.5, 4]]);
});

test("events in pieces give the same points as in one", () => {
  const events = [1, 2, 3, 4].map((number) => episode(number, number / 10));

  const whole = pointsFrom([trace()], events);
  const pieces = pointsFrom([trace()], events.slice(2), pointsFrom([trace()], events.slice(0, 2)));

  assert.deepEqual(pieces, whole);
});

test("points stay the same object while nothing concerns them", () => {
  const before = pointsFrom([trace()], [episode(1, 0.5)]);

  const after = pointsFrom([trace()], [{ kind: "log_line", payload: {} }], before);

  assert.equal(after[0], before[0]);
});

test("without an x the order of arrival counts", () => {
  const [points] = pointsFrom([trace({ x: "" })], [episode(7, 0.5), episode(9, 0.6)]);

  assert.deepEqual(points.x, [1, 2]);
});

test("a replacing trace shows the newest event alone", () => {
  const policy = trace({
    event: "candidate_found",
    x: "",
    y: "policy.layers.*.weight_bits",
    mode: "replace",
    labels: "policy.layers",
    scale: -1,
  });
  const found = (bits) => ({
    kind: "candidate_found",
    payload: { policy: { layers: { a: { weight_bits: bits }, b: { weight_bits: 8 } } } },
  });

  const [points] = pointsFrom([policy], [found(2), found(4)]);

  assert.deepEqual(points.y, [-4, -8]);
  assert.deepEqual(points.labels, ["a", "b"]);
  assert.deepEqual(rowsFrom([policy], [points]), [
    ["Agent", "a", 4],
    ["Agent", "b", 8],
  ]);
});

test("columns become a heat map of widths by layers, in tenfold steps", () => {
  const heat = trace({
    event: "sensitivity_measured",
    x: "index",
    y: "weight_losses",
    mode: "columns",
    labels: "layer",
    logFloor: 0.001,
  });
  const measured = (index, losses) => ({
    kind: "sensitivity_measured",
    payload: { index, layer: `layer ${index}`, weight_losses: losses },
  });

  const [points] = pointsFrom([heat], [measured(0, { 2: 0.1, 4: 0 }), measured(1, { 2: 1 })]);
  const drawn = plotlyTrace(heat, points);

  assert.deepEqual(drawn.x, [1, 2]);
  assert.deepEqual(drawn.y, [2, 4]);
  assert.deepEqual(drawn.z, [
    [-1, 0],
    [-3, null],
  ]);
});

test("the table twin has every point, in words", () => {
  const traces = [trace({ scale: 100 })];

  const rows = rowsFrom(traces, pointsFrom(traces, [episode(3, 0.12345)]));

  assert.deepEqual(rows, [["Agent", 3, 12.345]]);
});

test("nothing yet is nothing to draw", () => {
  assert.deepEqual(emptyPoints([trace()])[0].y, []);
});

test("marks far below the best leave the frame", () => {
  const [low, high] = framedRange([{ y: [10, 88, 90] }, { y: [89] }], 12);

  assert.ok(low > 87 && low < 88);
  assert.ok(high > 90 && high < 91);
});

test("a chart without a depth shows all it has", () => {
  assert.equal(framedRange([{ y: [1, 2] }], null), undefined);
  assert.equal(framedRange([{ y: [] }], 12), undefined);
});

const options = [
  [{ label: "3×3, ×3", group: "expansion 3", height: 3 }, { label: "5×5, ×6", group: "expansion 6", height: 5 }],
  [{ label: "5×5, ×6", group: "expansion 6", height: 5 }, { label: "skip", group: "block skipped", height: 0.4 }],
];
const gates = (probabilities, argmax) => ({ kind: "gates_updated", payload: { probabilities, argmax } });
const decided = (changes) =>
  trace({ event: "gates_updated", x: "", options, names: ["block 1", "block 2"], plotly: { name: "p" }, ...changes });

test("the last shares are a map: a row for each option, no cell where a decision lacks it", () => {
  const map = decided({ y: "probabilities", mode: "shares" });

  const [points] = pointsFrom([map], [gates([[1, 0], [1, 0]], [0, 0]), gates([[0.2, 0.8], [0.6, 0.4]], [1, 0])]);
  const drawn = plotlyTrace(map, points);

  assert.deepEqual(drawn.y, ["3×3, ×3", "5×5, ×6", "skip"]);
  assert.deepEqual(drawn.z, [[0.2, null], [0.8, 0.6], [null, 0.4]]);
  assert.deepEqual(rowsFrom([map], [points])[3], ["block 2", "skip", 0.4]);
});

test("chosen options are bars of the traces whose group they are of", () => {
  const bars = ["expansion 3", "expansion 6", "block skipped"].map((group) =>
    decided({ y: "argmax", mode: "choice", group }),
  );

  const points = pointsFrom(bars, [gates([], [1, 1])]);

  assert.deepEqual(points.map((each) => each.x), [[], [1], [2]]);
  assert.deepEqual(points[1].y, [5]);
  assert.deepEqual(points[2].labels, ["skip"]);
  assert.deepEqual(rowsFrom(bars, points), [["block 1", "5×5, ×6", 5], ["block 2", "skip", 0.4]]);
});

test("a condition may name several values", () => {
  const either = trace({ where: { strategy: ["random", "agent"] } });

  const [points] = pointsFrom([either], [episode(1, 0.5), episode(1, 0.7, "random"), episode(1, 0.9, "solver")]);

  assert.deepEqual(points.y, [0.5, 0.7]);
});
