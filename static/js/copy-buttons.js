// Buttons that copy the text of another element, and say that they did.

const SAID_FOR_MS = 1600;

export function startCopyButtons() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    const copied = await copy(source.dataset.full ?? source.textContent.trim());
    say(button, copied ? "Copied" : "Press Ctrl+C");
    if (!copied) getSelection().selectAllChildren(source);
  });
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no permission, or a page without TLS
  }
}

function say(button, words) {
  const before = button.dataset.words ?? button.textContent;
  button.dataset.words = before;
  button.textContent = words;
  setTimeout(() => {
    button.textContent = before;
  }, SAID_FOR_MS);
}
