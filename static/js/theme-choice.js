// The choice of light, dark or the system's own, kept in this browser.

const KEY = "theme";

export function applyTheme(choice, root = document.documentElement) {
  if (choice === "light" || choice === "dark") {
    root.dataset.bsTheme = choice;
  } else {
    delete root.dataset.bsTheme;
  }
}

// Calls `listener` whenever the page's colours may have changed.
export function onThemeChange(listener) {
  document.addEventListener("themechange", listener);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", listener);
}

function stored() {
  try {
    return localStorage.getItem(KEY) ?? "system";
  } catch {
    return "system";
  }
}

function keep(choice) {
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // The choice then lasts as long as the page.
  }
}

export function startThemeChoice() {
  const inputs = document.querySelectorAll("[data-theme-choice]");
  for (const input of inputs) {
    input.checked = input.value === stored();
    input.addEventListener("change", () => {
      keep(input.value);
      applyTheme(input.value);
      document.dispatchEvent(new CustomEvent("themechange"));
    });
  }
}
