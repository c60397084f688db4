// The SQL box: runs a statement without leaving the page, cancels it, draws its answer, completes words, and
// keeps what was asked in this browser. Without this script it is a form whose answer is a page.
"use strict";

addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("ask"), box = document.getElementById("statement");
  const place = document.getElementById("answer"), state = document.getElementById("state");
  const cancel = document.getElementById("cancel"), list = document.getElementById("words");
  const last = document.getElementById("last"), forget = document.getElementById("forget");
  const KEY = "logpond-sql", MOST = 30;
  let asking = null;

  // -- asked before, in this browser alone
  const before = () => { try { return JSON.parse(localStorage.getItem(KEY)) || []; } catch { return []; } };
  function showBefore() {
    document.getElementById("before").replaceChildren(...before().map((text) => {
      const item = document.createElement("li"), link = document.createElement("a");
      link.href = `/sql?${new URLSearchParams({ q: text })}`;
      link.textContent = text.replace(/\s+/g, " ").slice(0, 100);
      item.append(link);
      return item;
    }));
    forget.hidden = !before().length;
  }
  function remember(text) {
    try { localStorage.setItem(KEY, JSON.stringify([text, ...before().filter((one) => one !== text)].slice(0, MOST))); } catch { return; }
    showBefore();
  }

  forget.addEventListener("click", () => { localStorage.removeItem(KEY); showBefore(); });

  // -- running
  async function run() {
    asking?.abort();
    const mine = (asking = new AbortController()), start = performance.now();
    const clock = setInterval(() => { state.textContent = `${((performance.now() - start) / 1e3).toFixed(1)} s`; }, 100);
    cancel.hidden = false;
    try {
      const answer = await fetch("/sql?part=answer", { method: "POST", body: new URLSearchParams(new FormData(form)), signal: mine.signal });
      const text = await answer.text();
      if (mine !== asking) return;
      const page = new DOMParser().parseFromString(text, "text/html"), problem = page.getElementById("what");
      place.replaceChildren(...(problem ? [problem] : page.body.childNodes));
      state.textContent = "";
      if (answer.ok) remember(box.value);
      const url = new URL(location.href);
      url.searchParams.set("q", box.value);
      if (box.value.includes("$")) url.searchParams.set("last", last.value); else url.searchParams.delete("last");
      history.replaceState(null, "", url);
      offerChart();
    } catch (error) {
      if (mine === asking) state.textContent = error.name === "AbortError" ? "cancelled" : "the server does not answer";
    } finally {
      clearInterval(clock);
      if (mine === asking) cancel.hidden = true;
    }
  }
  form.addEventListener("submit", (event) => {
    if (event.submitter?.name === "kind") return;
    event.preventDefault();
    run();
  });
  cancel.addEventListener("click", () => asking?.abort());
  document.querySelector("[data-keep]")?.addEventListener("submit", (event) => { event.target.elements.q.value = box.value; });

  // -- a chart of two columns
  function offerChart() {
    const region = place.querySelector("[data-answer]");
    if (!region) return;
    const data = JSON.parse(region.dataset.answer), [kind, along, of] = region.querySelectorAll("select");
    const option = ([name], at) => new Option(name, at);
    along.replaceChildren(...data.columns.map(option));
    of.replaceChildren(...data.columns.map((column, at) => isNumber(column[1]) ? option(column, at) : null).filter(Boolean));
    if (!of.options.length) { region.hidden = true; return; }
    const time = data.columns.findIndex(([, type]) => isTime(type));
    const other = data.columns.findIndex((_, at) => String(at) !== of.value);
    along.value = String(time >= 0 ? time : Math.max(0, other));
    for (const choice of [kind, along, of]) choice.addEventListener("change", () => chart(data, kind.value, +along.value, +of.value));
  }
  function chart(data, kind, along, of) {
    const area = document.getElementById("chart");
    area.className = kind ? "chart tall" : "";
    if (!kind) { delete area.dataset.chart; area.replaceChildren(); return; }
    area.dataset.chart = JSON.stringify(chartOf(data, kind === "bars", along, [of]));
    drawCharts(area.parentElement);
  }

  // -- words: tables, then columns of the tables that are named, then functions
  let words = null, turn = 0;
  const options = optionsOf(box, list, take);
  async function known() {
    words ??= await fetch(form.dataset.words).then((answer) => answer.ok ? answer.json() : {}).catch(() => ({}));
    return words;
  }
  function started() {
    const found = /[A-Za-z_][\w]*$/.exec(box.value.slice(0, box.selectionStart));
    return found && !/\w/.test(box.value[box.selectionStart] || "") ? found[0] : "";
  }
  function close() {
    turn += 1;
    options.close();
  }
  function take(one) {
    const end = box.selectionStart, start = end - started().length;
    box.setRangeText(one.text, start, end, "end");
    box.focus();
    close();
  }
  async function complete() {
    const mine = ++turn, all = await known(), part = started().toLowerCase();
    if (mine !== turn) return;
    if (part.length < 2) return close();
    const { "functions()": functions = [], ...tables } = all, text = box.value.toLowerCase();
    const named = Object.keys(tables).filter((name) => text.includes(name));
    const columns = new Map((named.length ? named : Object.keys(tables)).flatMap((name) => tables[name].map((one) => [one, name])));
    const every = [...Object.keys(tables).map((one) => [one, "table"]), ...columns, ...functions.map((one) => [`${one}(`, "function"])];
    const fitting = every.filter(([one]) => one.toLowerCase().startsWith(part) && one.toLowerCase() !== part);
    options.show(fitting.slice(0, 12).map(([text, note]) => ({ text, note })));
  }
  box.addEventListener("input", complete);
  box.addEventListener("blur", close);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); close(); form.requestSubmit(document.getElementById("run")); return; }
    if (options.isTaken(event)) turn += 1;
    else if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) close();
  });

  showBefore();
  offerChart();
});
