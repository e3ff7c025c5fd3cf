// A form with data-confirm asks in the <dialog> of that id before it is sent.

export function startConfirmations() {
  document.addEventListener("submit", (event) => {
    const dialog = document.getElementById(event.target.dataset?.confirm ?? "");
    if (!dialog || event.target.dataset.confirmed) return;
    event.preventDefault();
    ask(dialog, event.target);
  });
}

function ask(dialog, form) {
  dialog.addEventListener(
    "close",
    () => {
      if (dialog.returnValue !== "yes") return;
      form.dataset.confirmed = "yes";
      form.requestSubmit();
    },
    { once: true },
  );
  dialog.returnValue = "";
  dialog.showModal();
}
