// data-copy names an element whose text a button puts on the clipboard; without the right to, it is selected.
"use strict";

async function copy(button) {
  const from = document.getElementById(button.dataset.copy);
  const range = document.createRange();
  range.selectNodeContents(from);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  // a page by plain HTTP has no navigator.clipboard, but on this machine
  const done = navigator.clipboard
    ? await navigator.clipboard.writeText(from.textContent).then(() => true, () => false)
    : document.execCommand("copy");
  button.textContent = done ? "Copied" : "Selected";
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
