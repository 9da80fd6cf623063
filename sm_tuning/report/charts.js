"use strict";
// Draws the charts of a page: each figure with a data-chart by the specification of that name in the page's data.
// Texts of jobs are only ever text: Vega writes text nodes, and so does the tip.
const charts = (() => {
  const shown = new Map(); // figure -> {name, view, skeleton, logarithmic}
  let data = { charts: {}, datasets: {} };
  let picked = null;
  let opened = () => {};
  let brushed = () => {};
  const frozen = { load: () => Promise.reject(new Error("charts load nothing")), sanitize: () => Promise.reject(new Error("charts link nowhere")) };

  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.append(tip);
  const tell = (_, event, item, value) => {
    tip.hidden = value == null || value === "";
    if (tip.hidden) return;
    const list = document.createElement("dl");
    const entries = typeof value === "object" ? Object.entries(value) : [["", value]];
    for (const [name, text] of entries) {
      const [head, body] = [document.createElement("dt"), document.createElement("dd")];
      head.textContent = name;
      body.textContent = text === "null" || text === "undefined" || text === "NaN" ? "–" : String(text);
      list.append(head, body);
    }
    tip.replaceChildren(list);
    const room = [innerWidth - tip.offsetWidth - 8, innerHeight - tip.offsetHeight - 8];
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, room[0]))}px`;
    tip.style.top = `${Math.max(4, event.clientY + 14 > room[1] ? event.clientY - tip.offsetHeight - 14 : event.clientY + 14)}px`;
  };
  addEventListener("scroll", () => (tip.hidden = true), { passive: true, capture: true });

  const clone = (value) => JSON.parse(JSON.stringify(value));
  const uses = (spec, name) => JSON.stringify(spec).includes(`"name":${JSON.stringify(name)}`);
  const isLite = (spec) => spec.$schema.includes("/vega-lite/");
  // What a chart is apart from what may change while it is shown.
  const skeleton = (spec) => JSON.stringify(spec, (key, value) => (key === "params" ? value.map((param) => (param.select ? param : param.name)) : value));

  const logarithmic = (spec, [low, high]) => {
    const ends = { low, high };
    spec.params.forEach((param) => (param.value = ends[param.name] ?? param.value));
    for (const { encoding } of spec.layer) if (encoding?.y?.scale?.domain?.[0]?.expr === "low") Object.assign(encoding.y.scale, { type: "log", zero: undefined });
    return spec;
  };
  // Many marks are drawn on a canvas, which knows no variables of a style sheet: their values stand in for them, and are fetched again
  // for another theme.
  const MANY = 300;
  const many = () => (data.datasets.trials?.length ?? 0) > MANY;
  const coloured = (spec) => {
    const style = getComputedStyle(document.documentElement);
    return JSON.parse(JSON.stringify(spec).replace(/var\((--\w+)\)/g, (_, name) => style.getPropertyValue(name).trim()));
  };
  const repaint = () => { if (many()) for (const [figure, entry] of [...shown]) draw(figure, entry.chart, entry.name); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  // On paper every chart has the same proportions, whatever the window's width.
  const PAPER = [580, 1180];
  addEventListener("beforeprint", () => {
    repaint();
    for (const figure of figures()) if (!shown.has(figure)) draw(figure, data.charts[figure.dataset.chart], figure.dataset.chart); // not yet drawn
    for (const [figure, { view }] of shown) fit(view, PAPER[Number(figure.classList.contains("wide"))]).run();
  });
  addEventListener("afterprint", () => {
    repaint();
    for (const { view, width } of shown.values()) fit(view, width).run();
  });

  const figures = () => [...document.querySelectorAll("figure[data-chart]")].filter((figure) => data.charts[figure.dataset.chart]);
  const complete = (spec) => {
    const used = Object.keys(data.datasets).filter((name) => uses(spec, name));
    const tables = clone(Object.fromEntries(used.map((name) => [name, data.datasets[name]])));
    if (isLite(spec)) return vega.compile({ ...spec, datasets: tables }).spec;
    return { ...spec, data: spec.data.map((table) => (tables[table.name] ? { ...table, values: tables[table.name] } : table)) };
  };

  const fit = (view, width) => {
    try { view.signal("narrow", width < 540); } catch { /* it has no legend */ }
    return view.width(width).resize();
  };
  const draw = (figure, chart, name) => {
    const box = figure.querySelector(".chart") ?? figure.insertBefore(document.createElement("div"), figure.firstChild);
    box.className = "chart";
    const before = shown.get(figure);
    before?.view.finalize();
    const log = Boolean(before?.logarithmic && chart.logarithmic);
    const spec = log ? logarithmic(clone(chart.spec), chart.logarithmic) : chart.spec;
    const width = Math.max(box.clientWidth, 240);
    const whole = complete({ ...spec, width });
    const view = new vega.View(vega.parse(many() ? coloured(whole) : whole, null, { ast: true }), {
      expr: vega.expressionInterpreter, renderer: many() ? "canvas" : "svg", container: box, hover: true, logLevel: vega.Warn, loader: frozen, tooltip: tell,
    });
    shown.set(figure, { name, chart, view, skeleton: skeleton(chart.spec), logarithmic: log, width });
    fit(view, width);
    let from = [0, 0];
    view.addEventListener("mousedown", (event) => (from = [event.clientX, event.clientY]));
    view.addEventListener("click", (event, item) => {
      const still = Math.abs(event.clientX - from[0]) + Math.abs(event.clientY - from[1]) < 5;
      if (still && item?.datum && Number.isInteger(item.datum.i)) opened(item.datum.i);
    });
    const brushes = spec.usermeta?.brushes ?? [];
    const inside = async () => {
      await view.runAsync();
      const active = brushes.some((brush) => view.signal(brush));
      brushed(active ? new Set(view.data("lines").filter((row) => row.inside).map((row) => row.i)) : null);
    };
    let waiting = 0;
    brushes.forEach((brush) => view.addSignalListener(brush, () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(inside); }));
    if (picked) view.signal("picked", picked);
    tools(figure, chart);
    box.querySelector("svg, canvas").setAttribute("aria-hidden", "true"); // the box is the image, with its title
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", figure.dataset.title ?? chart.title);
    return view.runAsync();
  };

  const tools = (figure, chart) => {
    figure.querySelector(".tools")?.remove();
    const row = document.createElement("div");
    row.className = "tools";
    const button = (text, pressed, act) => {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = text;
      if (pressed !== null) made.setAttribute("aria-pressed", pressed);
      made.addEventListener("click", act);
      row.append(made);
    };
    const entry = shown.get(figure);
    const redraw = () => draw(figure, data.charts[entry.name] ?? chart, entry.name);
    if (chart.logarithmic) {
      button("log", entry.logarithmic, () => { entry.logarithmic = !entry.logarithmic; redraw(); });
    }
    if (JSON.stringify(chart.spec).includes('"zoom"')) {
      const zoom = (factor) => () => zoomBy(entry.view, chart.spec, factor);
      button("+", null, zoom(0.6));
      button("−", null, zoom(1 / 0.6));
      button("reset", null, redraw);
    } else if (chart.spec.usermeta?.brushes) {
      button("reset", null, () => { chart.spec.usermeta.brushes.forEach((brush) => entry.view.signal(brush, null)); entry.view.runAsync(); });
    }
    if (row.childElementCount) figure.append(row);
  };
  // Vega-Lite keeps what is zoomed to in a signal for each field, empty at first.
  const zoomBy = (view, spec, factor) => {
    for (const channel of ["x", "y"]) {
      const signal = `zoom_${spec.layer[0].encoding[channel]?.field}`;
      const scale = spec.layer[0].encoding[channel]?.field && view.scale(channel);
      if (!scale?.invert) continue;
      const [from, to] = scale.range();
      const half = ((to - from) * factor) / 2;
      try { view.signal(signal, [scale.invert((from + to) / 2 - half), scale.invert((from + to) / 2 + half)]); } catch { /* it does not zoom */ }
    }
    view.runAsync();
  };

  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const entry = shown.get(target.parentElement);
      const width = Math.max(target.clientWidth, 240);
      if (!entry || entry.width === width) continue;
      entry.width = width;
      fit(entry.view, width).runAsync();
    }
  });

  const update = (figure, chart, entry) => {
    if (entry.skeleton !== skeleton(chart.spec)) return draw(figure, chart, entry.name);
    for (const { name, value, select } of chart.spec.params ?? []) {
      if (!select && name !== "picked" && name !== "narrow" && !(entry.logarithmic && (name === "low" || name === "high"))) entry.view.signal(name, value);
    }
    for (const [name, rows] of Object.entries(data.datasets)) {
      if (uses(chart.spec, name)) entry.view.change(name, vega.changeset().remove(() => true).insert(clone(rows)));
    }
    return entry.view.runAsync();
  };

  const idle = () => new Promise((done) => setTimeout(done));
  // A headless browser takes its picture at the load event, so all charts are drawn before that, unless they take long.
  const HELD = 2000; // milliseconds
  return {
    /** Draws all figures, or brings those that are drawn up to date. */
    async load(fresh) {
      data = fresh;
      for (const figure of [...shown.keys()]) {
        if (!figure.isConnected) { shown.get(figure).view.finalize(); shown.delete(figure); }
      }
      const held = document.readyState === "complete" ? 0 : performance.now() + HELD;
      for (const figure of figures()) {
        const chart = data.charts[figure.dataset.chart];
        const entry = shown.get(figure);
        await (entry ? update(figure, chart, entry) : draw(figure, chart, figure.dataset.chart));
        resized.observe(figure.querySelector(".chart"));
        if (performance.now() > held) await idle();
      }
      document.documentElement.dataset.charts = "drawn";
    },
    /** Draws one figure by a chart that is not in the page's data. */
    draw(figure, chart) { return draw(figure, chart, chart.title); },
    /** Shows only some training jobs (a set of their numbers); null for all. */
    pick(chosen) {
      picked = chosen && data.datasets.trials.map((row) => chosen.has(row.i));
      for (const { view } of shown.values()) {
        try { view.signal("picked", picked).runAsync(); } catch { /* a chart that shows no training jobs */ }
      }
    },
    whenOpened(act) { opened = act; },
    whenBrushed(act) { brushed = act; },
    get data() { return data; },
  };
})();
