// A slider that goes back in time over a heat map.

// Returns the figure with another moment's values in it; the one given is left as it was.
export function figureAt(figure, moment) {
  const [trace, ...others] = figure.data;
  return { ...figure, data: [{ ...trace, z: moment.z }, ...others] };
}

export function startMoments(element, changeFigure) {
  const moments = JSON.parse(document.getElementById(element.dataset.moments).textContent);
  const slider = element.querySelector("[data-moment]");
  const words = element.querySelector("[data-moment-words]");
  const figure = element.querySelector("[data-figure]");
  const show = () => {
    const moment = moments[Number(slider.value)];
    words.textContent = moment.words;
    slider.setAttribute("aria-valuetext", moment.words);
    changeFigure(figure, (drawn) => figureAt(drawn, moment));
  };
  slider.addEventListener("input", show);
  slider.setAttribute("aria-valuetext", moments.at(-1).words);
  slider.closest("[data-moment-row]").hidden = false;
}
