// The desk works without this file. It only makes some things quicker:
// forms that say data-once cannot be sent twice, rows that say data-check-all tick their table.
"use strict";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "post") {
    // Only after the browser has taken the form's values: a disabled button is not sent.
    setTimeout(() => form.querySelectorAll("button[type=submit]").forEach((button) => { button.disabled = true; }), 0);
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
