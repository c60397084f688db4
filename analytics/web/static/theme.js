// Before the first paint: the theme that was chosen, if one was.
"use strict";
(() => {
  const chosen = localStorage.getItem("logpond-theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
})();
