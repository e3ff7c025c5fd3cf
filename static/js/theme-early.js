// A classic script on purpose: a module runs after the first paint, and the page would flash.
(() => {
  try {
    const choice = localStorage.getItem("theme");
    if (choice === "light" || choice === "dark") {
      document.documentElement.dataset.bsTheme = choice;
    }
  } catch {
    // Storage may be forbidden; the system's choice stands then.
  }
})();
