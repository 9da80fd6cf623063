"use strict";
// The report: its table is sorted and filtered, brushes and words filter table and charts alike, a training job is opened.
(() => {
  const { jobs, ...data } = JSON.parse(document.getElementById("data").textContent);
  const table = document.getElementById("jobs");
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows];
  const number = (text) => (text.trim() === "" ? NaN : Number(text));
  heads.forEach((head, column) => {
    head.firstElementChild.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const cells = rows.map((row) => [row.cells[column].textContent, row]);
      const numeric = cells.some(([text]) => !Number.isNaN(number(text)));
      cells.sort(([first], [second]) => {
        if (first.trim() === "" || second.trim() === "") return (first.trim() === "") - (second.trim() === "");
        const order = numeric ? number(first) - number(second) || first.localeCompare(second) : first.localeCompare(second);
        return down ? -order : order;
      });
      table.tBodies[0].append(...cells.map(([, row]) => row));
    });
  });

  const [shown, filter, all] = ["shown", "filter", "all"].map((id) => document.getElementById(id));
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  let brushed = null;
  const apply = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = new Set();
    for (const row of rows) {
      const index = Number(row.dataset.i);
      row.hidden = !(words.every((word) => texts.get(row).includes(word)) && (!brushed || brushed.has(index)));
      if (!row.hidden) chosen.add(index);
    }
    shown.textContent = `${chosen.size} of ${rows.length}`;
    all.hidden = chosen.size === rows.length;
    charts.pick(all.hidden ? null : chosen);
  };
  filter.addEventListener("input", apply);
  all.addEventListener("click", () => {
    filter.value = "";
    document.querySelector('figure[data-chart="parallel-coordinates"] .tools button')?.click();
    brushed = null;
    apply();
  });

  const dialog = document.getElementById("job");
  const text = (tag, content) => Object.assign(document.createElement(tag), { textContent: content });
  const pair = (name, value) => {
    const row = document.createElement("tr");
    row.append(Object.assign(text("th", name), { scope: "row" }), text("td", value));
    return row;
  };
  const open = (index) => {
    const job = jobs[index];
    dialog.querySelector("h2").textContent = job.name;
    const verdict = text("strong", job.verdict);
    verdict.className = `v-${job.verdict.replaceAll(" ", "-")}`;
    dialog.querySelector(".verdict").replaceChildren(verdict, `: ${job.reason}`);
    const [kind, why] = job.proposal;
    dialog.querySelector(".proposal").replaceChildren(...(kind ? ["Why these hyperparameters: ", text("strong", kind), `: ${why}.`] : []));
    dialog.querySelector(".remarks").replaceChildren(...[...job.silent, ...job.remarks].map((remark) => Object.assign(text("p", remark), { className: "note remark" })));
    dialog.querySelector("dl").replaceChildren(...job.figures.map(([name, value]) => {
      const figure = document.createElement("div");
      figure.append(text("dt", name), text("dd", value));
      return figure;
    }));
    dialog.querySelector("tbody").replaceChildren(...job.hyperparameters.map(([name, value]) => pair(name, value)));
    if (job.model) dialog.querySelector("tbody").insertAdjacentElement("beforeend", pair("model", job.model));
    const end = dialog.querySelector(".log");
    dialog.querySelector(".search").value = "";
    end.replaceChildren(...logs.lines(job.log ?? []));
    dialog.querySelector(".log-note").textContent = job.log?.length ? "The end of the log." : `This report does not have its log: sm-tuning logs ${job.name}`;
    logs.filter(dialog);
    const box = dialog.querySelector(".curves");
    box.replaceChildren();
    if (!dialog.open) dialog.showModal();
    end.scrollTop = end.scrollHeight;
    dialog.scrollTop = 0;
    for (const [name, chart] of Object.entries(data.charts).filter(([key]) => key.startsWith("curves-"))) {
      const kind = chart.spec.usermeta.family;
      const own = data.datasets.curves.filter((row) => row.i === index && row.family === kind);
      const values = own.flatMap((row) => row.values).filter((value) => value !== null);
      if (!values.length) continue;
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const room = (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
      const last = Math.max(2, ...own.flatMap((row) => row.epochs));
      const settings = { first: 1, last, low: low - room, high: high + room, front: index, behind: 0, best_epoch: job.best_epoch[kind] };
      const params = chart.spec.params.map((param) => ({ ...param, value: settings[param.name] ?? null }));
      const figure = document.createElement("figure");
      const lost = own.flatMap((row) => row.values).filter((value) => value === null).length;
      figure.append(text("h3", kind), Object.assign(document.createElement("div"), { className: "chart" }));
      figure.append(text("figcaption", `solid: training; dashed: validation${lost ? `; ${lost} values no number: crosses` : ""}`));
      box.append(figure);
      charts.draw(figure, { title: `${kind} of ${job.name}`, spec: { ...chart.spec, params }, logarithmic: low > 0 && high > low ? [low / 1.05, high * 1.05] : null });
    }
  };
  dialog.querySelector(".search").addEventListener("input", () => logs.filter(dialog));
  const follow = () => {
    const name = decodeURIComponent(location.hash.slice(1));
    const index = jobs.findIndex((job) => job.name === name);
    if (index >= 0) open(index);
    else if (dialog.open) dialog.close();
  };
  dialog.addEventListener("close", () => { if (location.hash) history.replaceState(null, "", location.pathname + location.search); });
  addEventListener("hashchange", follow);
  charts.whenOpened((index) => (location.hash = encodeURIComponent(jobs[index].name)));
  charts.whenBrushed((chosen) => { brushed = chosen; apply(); });
  apply();
  charts.load(data).then(follow);
})();
