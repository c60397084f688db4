// data-later names a part of this page that takes long: it is fetched when the page is there, or on a click.
"use strict";

async function fetchLater(region) {
  const note = region.querySelector("[data-later-note]");
  const url = new URL(location.href);
  url.searchParams.set("part", region.dataset.later);
  region.setAttribute("aria-busy", "true");
  if (note) note.textContent = region.dataset.on === "click" ? "works …" : note.textContent;
  const answer = await fetch(url).catch(() => null);
  const text = answer ? await answer.text() : "";
  region.removeAttribute("aria-busy");
  if (answer && answer.ok) {
    region.innerHTML = text;
    drawCharts(region);
  } else if (note) {
    const problem = new DOMParser().parseFromString(text, "text/html").getElementById("what");
    note.textContent = problem ? problem.textContent : "the server does not answer";
  }
}

document.addEventListener("DOMContentLoaded", () => {
  for (const region of document.querySelectorAll("[data-later]")) {
    if (region.dataset.on !== "click") fetchLater(region);
    else region.addEventListener("click", (event) => {
      if (!event.target.closest("[data-start]")) return;
      event.preventDefault();
      fetchLater(region);
    });
  }
});
