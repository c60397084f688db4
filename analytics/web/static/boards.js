// A board: its panels are asked one after the other, as a reader has one question at a time; each is filled in when its
// answer is there, and asked anew as often as was chosen, while somebody sees the page.
"use strict";

addEventListener("DOMContentLoaded", () => {
  const board = document.querySelector("[data-board]"), state = document.getElementById("state");
  if (!board) return;
  const panels = [...board.querySelectorAll("[data-panel]")], every = 1e3 * board.dataset.refresh;
  // how often a panel waits for another question of the same reader, in another tab
  const TRIES = 20, PAUSE = 3000;
  const isEdited = new URL(location.href).searchParams.has("edit");
  let isAsking = false, isAsked = false;

  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  function show(panel, html) {
    const body = panel.querySelector("[data-body]"), before = body.querySelector(".scroll");
    const isFocused = before?.contains(document.activeElement), place = before && [before.scrollLeft, before.scrollTop];
    body.innerHTML = html;
    const now = body.querySelector(".scroll");
    if (before && now) {  // who reads a table stays where they are
      now.scrollTo(...place);
      if (isFocused) now.focus({ preventScroll: true });
    }
    const chart = body.querySelector("[data-axes]");
    if (!chart) return;
    const [along, of] = JSON.parse(chart.dataset.axes);
    chart.dataset.chart = JSON.stringify(chartOf(JSON.parse(chart.dataset.answer), panel.dataset.show === "bars", along, of));
    drawCharts(body);
  }
  function problem(text) {
    const page = new DOMParser().parseFromString(text, "text/html"), what = page.getElementById("what");
    if (text && !what) return text;
    const line = document.createElement("p");
    line.className = "bad";
    line.textContent = what ? what.textContent : "the server does not answer";
    return line.outerHTML;
  }
  async function ask(panel) {
    const url = new URL(board.dataset.board, location.href);
    url.searchParams.set("panel", panel.dataset.panel);
    panel.setAttribute("aria-busy", "true");
    for (let tries = 1; ; tries += 1) {
      const answer = await fetch(url).catch(() => null), text = answer ? await answer.text() : "";
      if (answer?.status === 409 && !isEdited) return location.reload();
      if (answer?.status === 429 && tries < TRIES) { await pause(PAUSE); continue; }
      show(panel, answer?.ok ? text : problem(text));
      break;
    }
    panel.removeAttribute("aria-busy");
  }
  async function askAll() {
    if (isAsking || document.hidden) return;
    isAsking = isAsked = true;
    board.setAttribute("aria-busy", "true");
    for (const panel of panels) {
      state.textContent = `asks ${panel.dataset.panel} of ${panels.length}`;
      await ask(panel);
    }
    isAsking = false;
    board.removeAttribute("aria-busy");
    state.textContent = panels.length ? `asked at ${new Date().toISOString().slice(11, 19)} UTC` : "";
  }
  askAll();
  if (every) setInterval(askAll, every);
  document.addEventListener("visibilitychange", () => isAsked || askAll());
});
