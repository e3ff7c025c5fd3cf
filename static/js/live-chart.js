// One declared chart on the page: takes events, draws at most a few times a second.

import { emptyPoints, framedRange, plotlyTrace, pointsFrom, rowsFrom } from "./chart-points.js";
import { draw } from "./figure.js";

const DRAW_EVERY_MS = 250; // the processor has a search to run
const MOST_ROWS = 400;

export class LiveChart {
  #declaration;
  #element;
  #plot;
  #points;
  #timer = null;
  #width = 0; // pixels, as it was last fitted

  constructor(element) {
    this.#element = element;
    this.#plot = element.querySelector("[data-plot]");
    const data = document.getElementById(element.dataset.liveChart);
    this.#declaration = JSON.parse(data.textContent);
    this.#points = emptyPoints(this.#declaration.traces);
    this.#twin.addEventListener("toggle", () => this.#fillTwin());
    // Another chart that appears beside it narrows it, and Plotly hears of windows alone.
    new ResizeObserver(() => this.#fit()).observe(this.#plot);
  }

  // Takes new events; draws soon if any of them concern it.
  take(events) {
    const points = pointsFrom(this.#declaration.traces, events, this.#points);
    const isSame = points.every((each, index) => each === this.#points[index]);
    if (isSame) return;
    this.#points = points;
    this.#element.hidden = false;
    this.#timer ??= setTimeout(() => this.redraw(), DRAW_EVERY_MS);
  }

  redraw() {
    this.#timer = null;
    if (this.#points.every((points) => !points.y.length)) return;
    const { traces, layout, depth } = this.#declaration;
    const range = framedRange(this.#points, depth);
    this.#element.querySelector("[data-chart-empty]")?.remove();
    this.#plot.hidden = false;
    draw(this.#plot, {
      data: traces.map((trace, index) => plotlyTrace(trace, this.#points[index])),
      layout: range ? { ...layout, yaxis: { ...layout.yaxis, range } } : layout,
    });
    this.#fillTwin();
  }

  #fit() {
    const { clientWidth } = this.#plot;
    if (clientWidth === this.#width || !this.#plot.classList.contains("js-plotly-plot")) return;
    this.#width = clientWidth;
    globalThis.Plotly.Plots.resize(this.#plot);
  }

  get #twin() {
    return this.#element.querySelector("[data-twin]");
  }

  #fillTwin() {
    if (!this.#twin.open) return;
    const rows = rowsFrom(this.#declaration.traces, this.#points).slice(-MOST_ROWS);
    this.#twin.querySelector("tbody").replaceChildren(...rows.map(tableRow));
  }
}

function tableRow(values) {
  const row = document.createElement("tr");
  row.className = "data-table__row";
  for (const [index, value] of values.entries()) {
    const cell = document.createElement(index ? "td" : "th");
    if (!index) cell.scope = "row";
    cell.className = index ? "data-table__cell data-table__number" : "data-table__cell";
    cell.textContent = value;
    row.append(cell);
  }
  return row;
}
