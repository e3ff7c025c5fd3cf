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
  const slider = form.querySelector("[data-slider]");

  // Looked up each time: the server's answers replace both the field and the band.
  const limit = () => form.querySelector("[data-limit]");
  const ends = () => {
    const band = form.querySelector("[data-reach]");
    return band ? [Number(band.dataset.lowest), Number(band.dataset.highest)] : null;
  };
  const say = (share) => {
    const unit = form.querySelector("#limit-unit")?.textContent ?? "";
    slider.setAttribute("aria-valuetext", `${limit().value} ${unit}`);
    moveMarker(form, share);
  };
  const follow = () => {
    slider.disabled = !ends();
    slider.closest("[data-slider-row]").hidden = slider.disabled; // without a band it says nothing
    if (slider.disabled) return;
    slider.value = shareOf(Number(limit().value), ...ends());
    say(Number(slider.value));
  };
  const take = (offer) => {
    const field = document.getElementById(offer.dataset.offerFor);
    field.value = offer.dataset.offer;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    field.focus();
  };

  slider.addEventListener("input", () => {
    limit().value = limitAt(Number(slider.value), ...ends());
    say(Number(slider.value));
  });
  form.addEventListener("input", (event) => {
    if (event.target === limit()) follow();
  });
  form.addEventListener("click", (event) => {
    const offer = event.target.closest("[data-offer]");
    if (offer) take(offer);
  });
  document.body.addEventListener("htmx:afterSettle", follow);
  follow();
}

function moveMarker(form, share) {
  const marker = form.querySelector("[data-marker]");
  if (!marker) return;
  marker.setAttribute("x", `${100 * share}%`);
  const anchor = share < 0.08 ? "start" : share > 0.92 ? "end" : "middle";
  marker.querySelector("text").setAttribute("text-anchor", anchor);
}
