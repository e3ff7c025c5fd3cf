// From a job's events to the points of a declared chart: pure functions, no page.

// Returns what a dotted path leads to; `*` takes the values of a map one by one.
export function valueAt(payload, path) {
  const [head, ...rest] = path.split(".");
  if (head === "*") return Object.values(payload).map((each) => valueAt(each, rest.join(".")));
  const value = payload?.[head];
  return rest.length && value !== undefined ? valueAt(value, rest.join(".")) : value;
}

export function emptyPoints(traces) {
  return traces.map(() => ({ x: [], y: [], labels: [], spans: [] }));
}

// Returns the points of each trace after these events; `before` is left as it was.
export function pointsFrom(traces, events, before = emptyPoints(traces)) {
  return traces.map((trace, index) => {
    const own = events.filter((event) => feeds(trace, event)).map((event) => event.payload);
    if (!own.length) return before[index];
    if (trace.mode === "replace") return replaced(trace, own.at(-1));
    if (trace.mode === "shares") return shares(trace, own.at(-1));
    if (trace.mode === "choice") return choices(trace, own.at(-1));
    return appended(trace, own, before[index]);
  });
}

// Returns a Plotly trace: the declared look with the points in it.
export function plotlyTrace(trace, points) {
  if (trace.mode === "columns") return heatmap(trace, points);
  if (trace.mode === "shares") return shareMap(trace, points);
  const bars = trace.low ? { error_y: errorBars(points) } : {};
  return { ...trace.plotly, ...bars, x: points.x, y: points.y, text: points.labels };
}

// Returns the range to show where marks far below the best would flatten the rest, else undefined.
export function framedRange(allPoints, depth) {
  const values = allPoints.flatMap((points) => points.y);
  if (depth === null || !values.length) return undefined;
  const best = Math.max(...values);
  const low = Math.min(...values.filter((value) => value >= best - depth));
  const margin = 0.08 * (best - low) || 0.05 * depth;
  return [low - margin, best + margin];
}

// Returns the rows of the table twin, the newest last: series, x, y.
export function rowsFrom(traces, allPoints) {
  return traces.flatMap((trace, index) => {
    const points = allPoints[index];
    if (trace.mode === "columns") return columnRows(trace, points);
    if (trace.mode === "shares") return shareRows(trace, points);
    if (trace.mode === "choice") return points.x.map((x, at) => [trace.names[x - 1], points.labels[at], points.y[at]]);
    return points.y.map((y, at) => [
      trace.mode === "append" && trace.labels
        ? `${points.labels[at]}, ${trace.plotly.name.toLowerCase()}`
        : trace.plotly.name,
      trace.mode === "replace" ? points.labels[at] : points.x[at],
      Math.abs(trace.mode === "replace" ? y : 0) || round(y),
      ...(trace.low ? points.spans[at].map(round) : []),
    ]);
  });
}

function feeds(trace, event) {
  if (event.kind !== trace.event) return false;
  return Object.entries(trace.where).every(([key, value]) => [value].flat().includes(event.payload[key]));
}

function appended(trace, payloads, before) {
  const points = { x: [...before.x], y: [...before.y], labels: [...before.labels], spans: [...before.spans] };
  for (const payload of payloads) {
    const y = valueAt(payload, trace.y);
    points.x.push(trace.x ? valueAt(payload, trace.x) : points.x.length + 1);
    points.y.push(trace.mode === "columns" ? y : y * trace.scale);
    points.labels.push(trace.labels ? valueAt(payload, trace.labels) : "");
    if (trace.low) points.spans.push([trace.low, trace.high].map((path) => valueAt(payload, path) * trace.scale));
  }
  return points;
}

// Bars from a point down to where its span begins and up to where it ends.
function errorBars({ y, spans }) {
  return {
    type: "data",
    symmetric: false,
    array: spans.map(([, high], at) => high - y[at]),
    arrayminus: spans.map(([low], at) => y[at] - low),
    thickness: 1,
    width: 2,
  };
}

function replaced(trace, payload) {
  const y = valueAt(payload, trace.y).map((value) => value * trace.scale);
  return {
    x: y.map((_, index) => index + 1),
    y,
    labels: Object.keys(valueAt(payload, trace.labels)),
  };
}

function shares(trace, payload) {
  const y = valueAt(payload, trace.y);
  return { x: y.map((_, index) => index + 1), y, labels: trace.names };
}

// Bars of the options that were chosen, where they are of the trace's group.
function choices(trace, payload) {
  const chosen = valueAt(payload, trace.y).map((place, at) => trace.options[at][place]);
  const own = [...chosen.entries()].filter(([, option]) => option.group === trace.group);
  return {
    x: own.map(([at]) => at + 1),
    y: own.map(([, option]) => option.height),
    labels: own.map(([, option]) => option.label),
  };
}

// A row for each option that any decision has; where a decision lacks it, there is no cell.
function shareMap(trace, points) {
  const rows = [...new Set(trace.options.flat().map((option) => option.label))];
  const at = trace.options.map((options) => new Map(options.map((each, index) => [each.label, index])));
  const z = rows.map((row) =>
    points.y.map((own, decision) => (at[decision].has(row) ? own[at[decision].get(row)] : null)),
  );
  return {
    ...trace.plotly,
    x: points.x,
    y: rows,
    z,
    text: rows.map(() => points.labels),
    hovertemplate: "%{text}<br>%{y}: %{z:.2f}<extra></extra>",
  };
}

function shareRows(trace, points) {
  return points.y.flatMap((own, decision) =>
    own.map((share, index) => [points.labels[decision], trace.options[decision][index].label, round(share)]),
  );
}

function heatmap(trace, points) {
  const widths = [...new Set(points.y.flatMap((losses) => Object.keys(losses).map(Number)))];
  widths.sort((a, b) => a - b);
  const z = widths.map((width) =>
    points.y.map((losses) => logOf(losses[String(width)], trace.logFloor)),
  );
  return {
    ...trace.plotly,
    x: points.x.map((index) => index + 1),
    y: widths,
    z,
    text: widths.map(() => points.labels),
    hovertemplate: `%{text}<br>%{y} bits<extra>${trace.plotly.name}</extra>`,
  };
}

function columnRows(trace, points) {
  return points.y.flatMap((losses, at) =>
    Object.entries(losses).map(([width, loss]) => [
      `${points.labels[at]}, ${trace.plotly.name}`,
      Number(width),
      round(loss),
    ]),
  );
}

function logOf(loss, floor) {
  return loss === undefined ? null : Math.log10(Math.max(loss, floor));
}

function round(value) {
  return Math.round(value * 1e4) / 1e4;
}
