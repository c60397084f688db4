// Before the first paint: the theme that was saved, if one was.
"use strict";
(() => {
  const saved = localStorage.getItem("logpond-theme");
  if (saved === "dark" || saved === "light") document.documentElement.dataset.theme = saved;
})();
