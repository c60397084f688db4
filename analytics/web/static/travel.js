// The slider over versions: what is at a version is told while it moves, and the links lead there.
"use strict";

document.querySelectorAll("[data-travel]").forEach((card) => {
  const slider = card.querySelector("[type=range]");
  const say = (name, text) => { const place = card.querySelector(`[data-told="${name}"]`); if (place) place.textContent = text; };
  const many = (value) => (value == null ? "–" : value.toLocaleString("en"));
  let asked = 0, pending;

  function tell(stop) {
    say("time", stop.commit ? stop.commit.time.slice(0, 19).replace("T", " ") : "–");
    say("operation", stop.commit ? stop.commit.operation : "–");
    say("writer", stop.commit ? stop.commit.writer : "");
    say("added", stop.commit ? many(stop.commit.rows) : "–");
    for (const name of ["rows", "files"]) say(name, many(stop[name]));
    say("bytes", `${(stop.bytes / 1e6).toPrecision(3)} MB`);
    say("problem", "");
    for (const link of card.querySelectorAll("[data-then]")) link.href = `${link.dataset.then}?as_of=${encodeURIComponent(stop.as_of)}`;
  }

  async function look() {
    const mine = ++asked;
    const answer = await fetch(card.dataset.travel + slider.value).catch(() => null);
    const told = answer && (await answer.json().catch(() => null));
    if (mine !== asked) return;
    if (answer && answer.ok) tell(told);
    else say("problem", told?.error || "the server does not answer");
  }

  slider.addEventListener("input", () => {
    say("version", slider.value);
    clearTimeout(pending);
    pending = setTimeout(look, 120);
  });
});
