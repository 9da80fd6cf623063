"use strict";
// The same page is requested again and replaced where it has changed: no reload, so scroll, focus, charts and what was typed stay.
(() => {
  const live = document.getElementById("live");
  const trouble = document.getElementById("trouble");
  let shown = live.innerHTML;
  let data = document.getElementById("data").textContent;
  let brushed = null;
  let jobs = [];

  const fill = () => {
    const words = (id) => (document.getElementById(id)?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (node, wanted) => wanted.every((word) => node.textContent.toLowerCase().includes(word));
    const wanted = words("filter");
    const rows = [...live.querySelectorAll("tbody tr")].filter((row) => row.dataset.i || row.querySelector("input[name=job]"));
    const chosen = new Set();
    for (const row of rows) {
      row.hidden = !(matches(row, wanted) && (!brushed || !row.dataset.i || brushed.has(Number(row.dataset.i))));
      if (!row.hidden) chosen.add(Number(row.dataset.i));
    }
    const count = document.getElementById("shown");
    if (count) count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length}`;
    if (jobs.length) charts.pick(wanted.length || brushed ? chosen : null);
    logs.filter(live);
  };
  const draw = async (text) => {
    if (!text.trim()) return;
    const { jobs: named, ...rest } = JSON.parse(text);
    jobs = named;
    await charts.load(rest);
  };

  const replace = (next) => {
    const atEnd = (box) => box.matches(".log") && box.scrollTop + box.clientHeight >= box.scrollHeight - 4; // it stays at its end
    const scrolled = [...live.querySelectorAll(".scroll, .log")].map((box) => [atEnd(box) ? Infinity : box.scrollTop, box.scrollLeft]);
    const ticked = [...live.querySelectorAll("input:checked")].map((input) => input.id);
    const typed = [...live.querySelectorAll("input[type=search]")].map((input) => [input.id, input.value, input.selectionStart]);
    const open = [...live.querySelectorAll("details")].map((box) => box.open);
    const focused = document.activeElement?.id;
    const figures = new Map([...live.querySelectorAll("figure[data-chart]")].map((figure) => [figure.dataset.chart, figure]));
    const fresh = document.importNode(next, true);
    for (const figure of fresh.querySelectorAll("figure[data-chart]")) {
      const before = figures.get(figure.dataset.chart);
      if (!before) continue;
      for (const part of ["h3", "figcaption"]) {
        const [now, then] = [figure.querySelector(part), before.querySelector(part)];
        if (now && then) then.textContent = now.textContent;
        else if (now) before.append(now);
        else then?.remove();
      }
      figure.replaceWith(before);
    }
    live.replaceChildren(...fresh.childNodes);
    [...live.querySelectorAll(".scroll, .log")].forEach((box, index) => {
      const [top, left] = scrolled[index] ?? [0, 0];
      box.scrollTop = Math.min(top, box.scrollHeight);
      box.scrollLeft = left;
    });
    ticked.forEach((id) => { const input = document.getElementById(id); if (input) input.checked = true; });
    [...live.querySelectorAll("details")].forEach((box, index) => { if (open[index] !== undefined) box.open = open[index]; });
    typed.forEach(([id, value]) => { const input = document.getElementById(id); if (input) input.value = value; });
    const input = focused ? document.getElementById(focused) : null;
    input?.focus({ preventScroll: true });
    const at = typed.find(([id]) => id === focused)?.[2];
    if (at !== undefined) input?.setSelectionRange(at, at);
  };

  const refresh = async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const text = await answer.text();
      if (!answer.ok) throw new Error(text);
      const fresh = new DOMParser().parseFromString(text, "text/html");
      const next = fresh.getElementById("live");
      document.querySelector("meta[name=token]").content = fresh.querySelector("meta[name=token]").content;
      const moved = fresh.getElementById("data").textContent;
      const changed = next.innerHTML !== shown;
      shown = next.innerHTML;
      if (changed) replace(next);
      if (changed || moved !== data) await draw(moved);
      data = moved;
      if (changed) fill();
      trouble.hidden = true;
    } catch (error) {
      trouble.textContent = `No answer: ${error.message}. Trying again.`;
      trouble.hidden = false;
    }
    setTimeout(refresh, document.hidden ? 10000 : 2000);
  };

  charts.whenOpened((index) => { if (jobs[index]) location.href = `/training-jobs/${encodeURIComponent(jobs[index].name)}`; });
  charts.whenBrushed((chosen) => { brushed = chosen; fill(); });
  live.addEventListener("input", fill);
  live.querySelectorAll(".log").forEach((box) => (box.scrollTop = box.scrollHeight));
  live.addEventListener("click", async (event) => {
    if (event.target.id !== "stop") return;
    const job = event.target.dataset.job;
    if (!confirm(`Stop ${job} and its running training jobs?`)) return;
    const headers = { "X-Sm-Tuning-Token": document.querySelector("meta[name=token]").content };
    const answer = await fetch(`/jobs/${encodeURIComponent(job)}/stop`, { method: "POST", headers });
    if (answer.ok) return;
    trouble.textContent = await answer.text();
    trouble.hidden = false;
  });
  draw(data).then(() => { fill(); setTimeout(refresh, 2000); });
})();
