// Live tail: rows come as HTML that the server has escaped; the oldest make room.
"use strict";

addEventListener("DOMContentLoaded", () => {
  const log = document.querySelector("[data-tail]");
  if (!log) return;
  const most = 400;
  const label = document.querySelector("[data-live-state]");
  const events = new EventSource(log.dataset.tail);
  const state = (text, live) => { label.textContent = text; label.classList.toggle("off", !live); };
  events.addEventListener("hello", () => state("live tail", true));
  events.addEventListener("error", () => state("not connected", false));
  events.addEventListener("rows", (event) => {
    log.querySelector(".none")?.remove();
    log.insertAdjacentHTML("afterbegin", event.data);
    while (log.childElementCount > most) log.lastElementChild.remove();
  });
  addEventListener("pagehide", () => events.close());
});
