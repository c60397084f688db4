// The query line: options for what stands before the caret, and what is wrong at its place. Without
// this script it is a field of a form as any other; the server shows faults then.
"use strict";

addEventListener("DOMContentLoaded", () => {
  const line = document.getElementById("query");
  if (!line) return;
  const list = document.getElementById("options"), fault = document.getElementById("fault");
  let waiting = 0, asked = null, options = [], chosen = -1, place = [0, 0];

  function close() {
    list.hidden = true;
    chosen = -1;
    line.setAttribute("aria-expanded", "false");
    line.removeAttribute("aria-activedescendant");
  }
  function choose(number) {
    chosen = number;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
    if (chosen < 0) return line.removeAttribute("aria-activedescendant");
    line.setAttribute("aria-activedescendant", list.children[chosen].id);
    list.children[chosen].scrollIntoView({ block: "nearest" });
  }
  function take(number) {
    const text = options[number].text, isName = text.endsWith(":");
    const after = line.value.slice(place[1]);
    line.value = line.value.slice(0, place[0]) + text + (isName || after.startsWith(" ") ? "" : " ") + after;
    const caret = place[0] + text.length + (isName ? 0 : 1);
    line.setSelectionRange(caret, caret);
    line.focus();
    close();
    soon();
  }
  function showOptions(found) {
    options = found.options;
    place = [found.start, found.end];
    list.replaceChildren(...options.map((one, number) => {
      const item = document.createElement("li"), note = document.createElement("span");
      item.id = `option-${number}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.textContent = one.text + " ";
      note.textContent = one.note;
      note.className = "muted";
      item.append(note);
      item.addEventListener("pointerdown", (event) => { event.preventDefault(); take(number); });
      return item;
    }));
    if (found.note) {
      const item = document.createElement("li");
      item.setAttribute("role", "option");
      item.setAttribute("aria-disabled", "true");
      item.className = "muted";
      item.textContent = found.note;
      list.append(item);
    }
    chosen = -1;
    list.hidden = !list.childElementCount;
    line.setAttribute("aria-expanded", String(!list.hidden));
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
    showOptions(found);
    showFault(found.fault);
  }
  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 150);
  }

  line.addEventListener("input", soon);
  line.addEventListener("focus", soon);
  line.addEventListener("blur", close);
  line.addEventListener("keydown", (event) => {
    const isOpen = !list.hidden, count = options.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) return soon();
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(chosen < 0 && step < 0 ? count - 1 : (chosen + step + count) % count);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      close();
    } else if ((event.key === "Enter" || event.key === "Tab") && isOpen && chosen >= 0) {
      event.preventDefault();
      take(chosen);
    } else if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) soon();
  });
});
