// The desk works without this file. It only makes some things quicker:
// a form is not sent twice by two clicks; a box that says data-check-all ticks its table.
"use strict";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "post") {
    // Only after the browser has taken the form's values: a disabled button is not sent.
    const buttons = form.querySelectorAll("button[type=submit]");
    setTimeout(() => buttons.forEach((button) => { button.disabled = true; }), 0);
    setTimeout(() => buttons.forEach((button) => { button.disabled = false; }), 8000); // the answer may be a file
  }
});

// A page that comes back from the browser's own memory has its buttons again.
addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("button[disabled]").forEach((button) => { button.disabled = false; });
});

document.addEventListener("change", (event) => {
  const all = event.target;
  if (all.matches && all.matches("input[data-check-all]")) {
    const table = all.closest("table") || document;
    table.querySelectorAll(`input[type=checkbox][name="${all.dataset.checkAll}"]`).forEach((one) => { one.checked = all.checked; });
  }
});
