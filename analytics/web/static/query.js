// The query line: options for what stands before the caret, and what is wrong at its place. Without
// this script it is a field of a form as any other; the server shows faults then.
"use strict";

addEventListener("DOMContentLoaded", () => {
  const line = document.getElementById("query");
  if (!line) return;
  const list = document.getElementById("options"), fault = document.getElementById("fault");
  let waiting = 0, asked = null, place = [0, 0];
  const options = optionsOf(line, list, take);

  function take(one) {
    const isName = one.text.endsWith(":"), after = line.value.slice(place[1]);
    line.value = line.value.slice(0, place[0]) + one.text + (isName || after.startsWith(" ") ? "" : " ") + after;
    const caret = place[0] + one.text.length + (isName ? 0 : 1);
    line.setSelectionRange(caret, caret);
    line.focus();
    options.close();
    soon();
  }
  // A fault where somebody still types is none yet.
  function showFault(found) {
    const isPast = found && found.end < line.selectionStart;
    fault.replaceChildren();
    line.toggleAttribute("aria-invalid", Boolean(isPast));
    if (!isPast) return;
    const mark = document.createElement("pre"), words = document.createElement("p");
    const from = Math.max(0, found.start - 60), end = Math.max(found.end, found.start + 1);
    mark.textContent = `${line.value.slice(from, end + 60)}\n${" ".repeat(found.start - from)}${"^".repeat(end - found.start)}`;
    words.textContent = found.error + (found.remedy ? `: ${found.remedy}` : "");
    fault.append(mark, words);
  }
  async function ask() {
    asked?.abort();
    asked = new AbortController();
    const url = new URL(line.dataset.complete, location.href);
    // a caret counts UTF-16 units, the server characters
    const before = [...line.value.slice(0, line.selectionStart)].length;
    url.search = new URLSearchParams({ query: line.value, at: before, as_of: line.dataset.asOf });
    const answer = await fetch(url, { signal: asked.signal }).catch(() => null);
    if (!answer || !answer.ok || document.activeElement !== line) return;
    const found = await answer.json(), all = [...line.value];
    const units = (count) => all.slice(0, count).join("").length;
    for (const one of [found, found.fault]) if (one) { one.start = units(one.start); one.end = Math.max(units(one.end), one.start); }
    place = [found.start, found.end];
    options.show(found.options, found.note);
    showFault(found.fault);
  }
  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 150);
  }

  line.addEventListener("input", soon);
  line.addEventListener("focus", soon);
  line.addEventListener("blur", options.close);
  line.addEventListener("keydown", (event) => {
    if (options.isTaken(event)) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); soon(); }
    else if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) soon();
  });
});
