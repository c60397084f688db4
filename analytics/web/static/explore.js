// Live tail: rows come as HTML that the server has escaped; the oldest make room. A row that is opened gets links
// that ask for rows with the same value of a field, or without it.
"use strict";

function offer(entry) {
  const name = entry.querySelector("dt").textContent;
  for (const [sign, before, words] of [["=", "", "only rows with this"], ["≠", "-", "without rows with this"]]) {
    const link = document.createElement("a");
    // how a query takes one more term is the server's to say
    const url = new URL(document.getElementById("log").dataset.narrow, location.href);
    url.searchParams.set("add", before + entry.dataset.term);
    link.href = url;
    link.textContent = sign;
    link.title = words;
    link.className = "narrow";
    link.setAttribute("aria-label", `${words} ${name}`);
    entry.querySelector("dd").append(" ", link);
  }
}

document.addEventListener("toggle", (event) => {
  if (!event.target.matches?.(".log[open]") || event.target.dataset.offered) return;
  event.target.dataset.offered = "1";
  event.target.querySelectorAll("[data-term]").forEach(offer);
}, true);

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
