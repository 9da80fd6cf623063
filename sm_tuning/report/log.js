"use strict";
// The log of a training job: searched by words, as it stands in a page.
const logs = {
  /** Lines as elements; `matched` says of each whether a metric's expression matches it. */
  lines(lines) {
    return lines.map(([text, matched]) => Object.assign(document.createElement("span"), { className: matched ? "line matched" : "line", textContent: text }));
  },
  /** Hides the lines within an element that lack one of the words in its search box. */
  filter(within) {
    const words = (within.querySelector("input.search")?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    let hits = 0;
    for (const line of within.querySelectorAll(".line")) {
      const text = line.textContent.toLowerCase();
      line.hidden = !words.every((word) => text.includes(word));
      hits += !line.hidden;
    }
    const count = within.querySelector(".hits");
    if (count) count.textContent = words.length ? `${hits} lines` : "";
  },
};
