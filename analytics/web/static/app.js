// What every page does: the theme, and parts that follow the lake. Pages name them by data attributes.
"use strict";

const root = document.documentElement;
const isDark = () =>
  root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

document.querySelector("[data-theme-toggle]")?.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  localStorage.setItem("logpond-theme", root.dataset.theme);
  drawCharts(document);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawCharts(document));

// A stream of events while somebody sees the page: a browser has six connections to a server, and a hidden
// tab must not keep one. `address` is asked for anew each time; listeners by the name of their event.
function whileVisible(address, listeners) {
  let events = null;
  function change() {
    if (document.hidden === (events === null)) return;
    if (document.hidden) { events.close(); events = null; return; }
    events = new EventSource(address());
    for (const [name, listener] of Object.entries(listeners)) events.addEventListener(name, listener);
  }
  document.addEventListener("visibilitychange", change);
  addEventListener("pagehide", () => { events?.close(); events = null; });
  addEventListener("pageshow", change);
  change();
}

// data-live names a stream of events; at each `changed` the block data-part is fetched anew.
function follow(region) {
  const gap = 4000;
  let waiting = false, last = 0, known;
  const state = (text, live) => {
    const label = region.querySelector("[data-live-state]");
    if (label) { label.textContent = text; label.classList.toggle("off", !live); }
  };
  async function refresh() {
    waiting = false;
    last = Date.now();
    if (region.dataset.reload !== undefined) return location.reload();
    const url = new URL(location.href);
    url.searchParams.set("part", region.dataset.part);
    const answer = await fetch(url).catch(() => null);
    if (!answer || !answer.ok) return state("waits for the server", false);
    const focused = region.contains(document.activeElement) && document.activeElement.id;
    region.innerHTML = await answer.text();
    if (focused) document.getElementById(focused)?.focus();
    drawCharts(region);
  }
  function soon() {
    if (waiting) return;
    waiting = true;
    const wait = Math.max(0, last + gap - Date.now());
    setTimeout(() => document.hidden ? document.addEventListener("visibilitychange", refresh, { once: true }) : refresh(), wait);
  }
  function changed(event) {
    if (known !== undefined && known !== event.data) soon();
    known = event.data;
  }
  whileVisible(() => region.dataset.live, {
    hello: (event) => { state("live", true); changed(event); },
    changed,
    error: () => state("not connected", false),
  });
}

document.addEventListener("DOMContentLoaded", () => {
  drawCharts(document);
  document.querySelectorAll("[data-live]").forEach(follow);
});
