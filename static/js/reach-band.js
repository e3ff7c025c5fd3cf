// The budget's number and its slider say the same; the marker follows the hand at once, the server
// follows with the words.

export function shareOf(value, lowest, highest) {
  if (highest <= lowest) return 0;
  return Math.min(1, Math.max(0, (value - lowest) / (highest - lowest)));
}

// Returns a slider's value as a limit one can read: four significant digits, within the reach.
export function limitAt(share, lowest, highest) {
  const value = lowest + share * (highest - lowest);
  const rounded = Number(value.toPrecision(4));
  return Math.min(highest, Math.max(lowest, rounded));
}

export function startReachBand(form) {
  const limit = form.querySelector("[data-limit]");
  const slider = form.querySelector("[data-slider]");
  slider.closest("[data-slider-row]").hidden = false;

  const span = () => {
    const band = form.querySelector("[data-reach]");
    return band ? [Number(band.dataset.lowest), Number(band.dataset.highest)] : null;
  };
  const follow = () => {
    const ends = span();
    slider.disabled = !ends;
    if (!ends) return;
    const share = shareOf(Number(limit.value), ...ends);
    slider.value = share;
    slider.setAttribute("aria-valuetext", `${limit.value} ${limit.dataset.unit ?? ""}`);
    moveMarker(form, share);
  };

  slider.addEventListener("input", () => {
    const ends = span();
    if (!ends) return;
    limit.value = limitAt(Number(slider.value), ...ends);
    slider.setAttribute("aria-valuetext", `${limit.value} ${limit.dataset.unit ?? ""}`);
    moveMarker(form, Number(slider.value));
  });
  slider.addEventListener("change", () => limit.dispatchEvent(new Event("change", { bubbles: true })));
  limit.addEventListener("input", follow);
  document.body.addEventListener("htmx:afterSettle", follow);
  form.addEventListener("click", (event) => {
    const offer = event.target.closest("[data-offer]");
    if (!offer) return;
    limit.value = offer.dataset.offer;
    limit.dispatchEvent(new Event("change", { bubbles: true }));
    limit.focus();
    follow();
  });
  follow();
}

function moveMarker(form, share) {
  const marker = form.querySelector("[data-marker]");
  if (!marker) return;
  marker.setAttribute("x", `${100 * share}%`);
  const anchor = share < 0.08 ? "start" : share > 0.92 ? "end" : "middle";
  marker.querySelector("text").setAttribute("text-anchor", anchor);
}
