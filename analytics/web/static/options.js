// Options below a field, chosen by arrow keys or a pointer; both query lines use it. `take` puts one into the field.
"use strict";

function optionsOf(field, list, take) {
  let options = [], chosen = -1;

  function close() {
    list.hidden = true;
    chosen = -1;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }
  function choose(number) {
    chosen = number;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
    if (chosen < 0) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", list.children[chosen].id);
    list.children[chosen].scrollIntoView({ block: "nearest" });
  }
  // `found` are texts with a note each; `last` is a line that cannot be chosen.
  function show(found, last) {
    options = found;
    list.replaceChildren(...options.map((one, number) => {
      const item = document.createElement("li"), note = document.createElement("span");
      item.id = `option-${number}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.textContent = one.text + " ";
      note.textContent = one.note;
      note.className = "muted";
      item.append(note);
      item.addEventListener("pointerdown", (event) => { event.preventDefault(); take(options[number]); });
      return item;
    }));
    if (last) {
      const item = document.createElement("li");
      item.setAttribute("role", "option");
      item.setAttribute("aria-disabled", "true");
      item.className = "muted";
      item.textContent = last;
      list.append(item);
    }
    chosen = -1;
    list.hidden = !list.childElementCount;
    field.setAttribute("aria-expanded", String(!list.hidden));
  }
  // Whether a key was meant for an open list; it is dealt with then.
  function isTaken(event) {
    if (list.hidden || (!options.length && event.key !== "Escape")) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : -1, count = options.length;
      choose(chosen < 0 && step < 0 ? count - 1 : (chosen + step + count) % count);
    } else if (event.key === "Escape") close();
    else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) take(options[chosen]);
    else return false;
    event.preventDefault();
    return true;
  }
  return { close, show, isTaken };
}
