// Runs ticked for comparison are kept while one pages, sorts and filters through the list.

const KEY = "runs-to-compare";
const MOST = 8;

export function toggled(chosen, id, isOn) {
  const others = chosen.filter((each) => each !== id);
  return isOn ? [...others, id].slice(-MOST) : others;
}

export function selectionWords(count) {
  if (count === 0) return "Tick two or more runs to compare them.";
  if (count === 1) return "1 run ticked; tick one more to compare.";
  return count >= MOST ? `${count} runs ticked, the most one page shows.` : `${count} runs ticked.`;
}

export function startRunSelection(bar) {
  let chosen = load();
  const form = bar.closest("form");

  const show = () => {
    for (const box of document.querySelectorAll("[data-pick]")) {
      box.checked = chosen.includes(box.value);
    }
    bar.querySelector("[data-selection-words]").textContent = selectionWords(chosen.length);
    bar.querySelector("[data-compare]").disabled = chosen.length < 2;
    bar.querySelector("[data-clear]").hidden = chosen.length === 0;
    bar.hidden = chosen.length === 0;
  };
  const change = (next) => {
    chosen = next;
    sessionStorage.setItem(KEY, JSON.stringify(chosen));
    show();
  };

  document.addEventListener("change", (event) => {
    const box = event.target.closest?.("[data-pick]");
    if (box) change(toggled(chosen, box.value, box.checked));
  });
  bar.querySelector("[data-clear]").addEventListener("click", () => change([]));
  form.addEventListener("formdata", ({ formData }) => {
    // Ticks on other pages of the list have no box here.
    formData.delete("job");
    for (const id of chosen) formData.append("job", id);
  });
  document.body.addEventListener("htmx:afterSwap", show);
  addEventListener("pageshow", show);
  show();
}

function load() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}
