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

// Live figures (B): an element with data-events="URL" is told by server-sent events. An event "progress" carries an object;
// each of its names is shown by the element inside with data-field="name". "over" loads the page again, for the report.
document.querySelectorAll("[data-events]").forEach((panel) => {
  const source = new EventSource(panel.dataset.events);
  const state = panel.querySelector("[data-field=state]");
  const before = state ? state.textContent.trim() : "";
  source.addEventListener("progress", (event) => {
    const said = JSON.parse(event.data);
    panel.querySelectorAll("[data-field]").forEach((field) => {
      if (!(field.dataset.field in said)) return;
      const value = said[field.dataset.field];
      if (field.tagName === "PROGRESS") { field.value = value; field.max = said.total; } else if (field !== state) { field.textContent = value; }
    });
    if (state && said.state !== before) { source.close(); location.reload(); } // other acts are offered now
  });
  source.addEventListener("over", () => { source.close(); location.reload(); });
  addEventListener("pagehide", () => source.close());
});

// data-reload="3": look again in so many seconds.
document.querySelectorAll("[data-reload]").forEach((one) => setTimeout(() => location.reload(), 1000 * Number(one.dataset.reload)));
