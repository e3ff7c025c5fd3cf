// Draws Plotly figures in the page's own colours and font, and again when the theme changes.

import { onThemeChange } from "./theme-choice.js";

const CONFIG = { displayModeBar: false, responsive: true };
const VARIABLE = /^var\((--[\w-]+)\)$/;

// Returns a copy of a figure with every "var(--name)" replaced by what `resolve` says.
export function withColors(value, resolve) {
  if (typeof value === "string") {
    const match = VARIABLE.exec(value);
    return match ? resolve(match[1]) : value;
  }
  if (Array.isArray(value)) return value.map((item) => withColors(item, resolve));
  if (value && typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, withColors(item, resolve)]),
    );
  }
  return value;
}

// Returns a function from a CSS variable's name to its color in the theme of now.
export function colorResolver(element) {
  const probe = document.createElement("span");
  element.append(probe);
  const known = new Map();
  const resolve = (name) => {
    if (!known.has(name)) {
      // The browser resolves light-dark() only in a real property, not in the variable.
      probe.style.color = `var(${name})`;
      known.set(name, getComputedStyle(probe).color);
    }
    return known.get(name);
  };
  return { resolve, done: () => probe.remove() };
}

export function draw(element, figure) {
  const { resolve, done } = colorResolver(document.body);
  const colored = withColors(figure, resolve);
  done();
  const family = getComputedStyle(document.body).fontFamily;
  const layout = { ...colored.layout, font: { ...colored.layout.font, family } };
  // When the window changes, Plotly takes the height of its element and not of the layout.
  if (layout.height) element.style.height = `${layout.height}px`;
  return globalThis.Plotly.react(element, colored.data, narrowed(layout, element), CONFIG);
}

// On a narrow screen the axis takes less of the width.
function narrowed(layout, element) {
  if (element.clientWidth > 520) return layout;
  return { ...layout, margin: { ...layout.margin, l: 44, r: 6 } };
}

// Draws each declared figure when it comes near the screen: most are below the fold. Returns a
// function that changes one of them and draws it anew.
export function startFigures() {
  const drawn = new Map();
  const figureOf = (element) =>
    drawn.get(element) ?? JSON.parse(document.getElementById(element.dataset.figure).textContent);
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries.filter((each) => each.isIntersecting)) {
        observer.unobserve(entry.target);
        const figure = figureOf(entry.target);
        drawn.set(entry.target, figure);
        draw(entry.target, figure);
      }
    },
    { rootMargin: "300px" },
  );
  for (const element of document.querySelectorAll("[data-figure]")) observer.observe(element);
  onThemeChange(() => {
    for (const [element, figure] of drawn) draw(element, figure);
  });
  return (element, change) => {
    observer.unobserve(element);
    const figure = change(figureOf(element));
    drawn.set(element, figure);
    draw(element, figure);
  };
}
