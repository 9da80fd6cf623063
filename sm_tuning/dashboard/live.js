"use strict";
const live = document.getElementById("live");
const trouble = document.getElementById("trouble");
const token = document.querySelector("meta[name=token]").content;
// The same page is requested again and replaced where it has changed: no reload, so scroll and focus stay.
let shown = live.innerHTML;
const refresh = async () => {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const next = fresh.getElementById("live");
    if (next.innerHTML !== shown) {
      // A log that was read at its end stays at its end.
      const atEnd = (box) => box.matches(".log") && box.scrollTop + box.clientHeight >= box.scrollHeight - 4;
      const scrolled = [...live.querySelectorAll(".scroll, .log")].map((box) => [atEnd(box) ? Infinity : box.scrollTop, box.scrollLeft]);
      const ticked = [...live.querySelectorAll("input:checked")].map((input) => input.id);
      const focused = document.activeElement && document.activeElement.id;
      live.replaceChildren(...document.importNode(next, true).childNodes);
      [...live.querySelectorAll(".scroll, .log")].forEach((box, index) => {
        const [top, left] = scrolled[index] ?? [0, 0];
        box.scrollTop = Math.min(top, box.scrollHeight);
        box.scrollLeft = left;
      });
      ticked.forEach((id) => { const input = document.getElementById(id); if (input) input.checked = true; });
      shown = next.innerHTML;
      if (focused) document.getElementById(focused)?.focus();
    }
    document.querySelector("meta[name=token]").content = fresh.querySelector("meta[name=token]").content;
    trouble.hidden = true;
  } catch (error) {
    trouble.textContent = `No answer: ${error.message}. Trying again.`;
    trouble.hidden = false;
  }
  setTimeout(refresh, document.hidden ? 10000 : 2000);
};
setTimeout(refresh, 2000);
live.querySelectorAll(".log").forEach((box) => (box.scrollTop = box.scrollHeight));
live.addEventListener("click", async (event) => {
  if (event.target.id !== "stop") return;
  const job = event.target.dataset.job;
  if (!confirm(`Stop ${job} and its running training jobs?`)) return;
  const current = document.querySelector("meta[name=token]").content || token;
  const answer = await fetch(`/jobs/${encodeURIComponent(job)}/stop`, { method: "POST", headers: { "X-Sm-Tuning-Token": current } });
  if (!answer.ok) {
    trouble.textContent = await answer.text();
    trouble.hidden = false;
  }
});
