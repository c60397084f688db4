// Live tail: rows come as HTML that the server has escaped; the oldest make room.
"use strict";

addEventListener("DOMContentLoaded", () => {
  const log = document.querySelector("[data-tail]");
  if (!log) return;
  const most = 400;
  const label = document.querySelector("[data-live-state]");
  let last = "";
  const state = (text, live) => { label.textContent = text; label.classList.toggle("off", !live); };
  function address() {
    const url = new URL(log.dataset.tail, location.href);
    if (last) url.searchParams.set("after", last);
    return url;
  }
  whileVisible(address, {
    hello: (event) => { last = event.lastEventId; state("live tail", true); },
    error: () => state("not connected", false),
    rows: (event) => {
      last = event.lastEventId;
      log.querySelector(".none")?.remove();
      log.insertAdjacentHTML("afterbegin", event.data);
      while (log.childElementCount > most) log.lastElementChild.remove();
    },
  });
});
