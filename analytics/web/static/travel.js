// The slider over versions: while it moves, the figures and links become those of its version.
"use strict";

document.querySelectorAll("[data-travel]").forEach((card) => {
  const slider = card.querySelector("[type=range]");
  const fill = (field, text) => { const place = card.querySelector(`[data-field="${field}"]`); if (place) place.textContent = text; };
  const count = (value) => (value == null ? "–" : value.toLocaleString("en"));
  let requests = 0, pending;

  function render(at) {
    fill("time", at.commit ? at.commit.time.slice(0, 19).replace("T", " ") : "–");
    fill("what", at.commit ? at.commit.what : "–");
    fill("added", at.commit ? count(at.commit.rows) : "–");
    fill("source", at.source);
    for (const name of ["rows", "files"]) fill(name, count(at[name]));
    fill("bytes", `${(at.bytes / 1e6).toPrecision(3)} MB`);
    fill("problem", "");
    for (const link of card.querySelectorAll("[data-then]")) link.href = `${link.dataset.then}?as_of=${encodeURIComponent(at.as_of)}`;
  }

  async function look() {
    const mine = ++requests;
    const answer = await fetch(card.dataset.travel + slider.value).catch(() => null);
    const body = answer && (await answer.json().catch(() => null));
    if (mine !== requests) return;
    if (answer && answer.ok) render(body);
    else fill("problem", body?.error || "the server does not answer");
  }

  slider.addEventListener("input", () => {
    fill("version", slider.value);
    clearTimeout(pending);
    pending = setTimeout(look, 120);
  });
});
