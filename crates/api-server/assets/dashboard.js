// Conveniences of the dashboard; everything works without them.
"use strict";

// Hints: what a chart says of the bucket under the pointer.
for (const chart of document.querySelectorAll(".chart")) {
  const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 2 });
  let tip = null;
  const hide = () => { if (tip) { tip.remove(); tip = null; } };
  chart.addEventListener("pointerleave", hide);
  chart.addEventListener("pointermove", (event) => {
    const svg = [...chart.querySelectorAll("svg")].find((each) => each.getClientRects().length > 0);
    if (!svg) { return hide(); }
    let nearest = null;
    for (const shape of svg.querySelectorAll("[data-category]")) {
      const box = shape.getBoundingClientRect();
      const middle = box.left + box.width / 2;
      const away = Math.abs(event.clientX - middle);
      if (!nearest || away < nearest.away) { nearest = { away, middle, category: shape.dataset.category }; }
    }
    if (!nearest) { return hide(); }
    if (!tip) {
      tip = document.createElement("div");
      tip.className = "tip";
      tip.setAttribute("aria-hidden", "true");
      chart.append(tip);
    }
    const line = (tag, ...texts) => {
      const element = document.createElement(tag);
      for (const text of texts) {
        const part = tag === "strong" ? document.createTextNode(text) : document.createElement("b");
        if (tag !== "strong") { part.textContent = text; }
        element.append(part);
      }
      return element;
    };
    const values = new Map();
    for (const shape of svg.querySelectorAll("[data-category]")) {
      if (shape.dataset.category === nearest.category) { values.set(shape.dataset.series, Number(shape.dataset.value)); }
    }
    tip.replaceChildren(line("strong", nearest.category));
    for (const [series, value] of values) { tip.append(line("span", series, number.format(value))); }
    const frame = chart.getBoundingClientRect();
    const left = Math.min(Math.max(nearest.middle - frame.left - tip.offsetWidth / 2, 0), frame.width - tip.offsetWidth);
    tip.style.left = `${left}px`;
    tip.style.top = `${-tip.offsetHeight - 4}px`;
  });
}

// What was opened is closed by Escape, and by a click beside it.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") { return; }
  for (const open of document.querySelectorAll(".ranges details[open], .menu[open]")) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll(".ranges details[open]")) {
    if (!open.contains(event.target)) { open.open = false; }
  }
});

// A form is sent once, however often its button is clicked.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); }
    form.dataset.sent = "1";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) { delete form.dataset.sent; }
});

// What is under way is looked at again.
if (document.querySelector("[data-running]")) { setTimeout(() => location.reload(), 1500); }
