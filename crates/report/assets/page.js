"use strict";

// Puts the charts on the page, with their controls and tables; lets one series stand alone; follows theme and paper.
(() => {
  const page = JSON.parse(document.getElementById("data").textContent);
  const spoken = document.getElementById("spoken");
  const picker = document.getElementById("series");
  const solo = { name: null };
  const { kinds, look, seriesLook } = chartKinds(page, getComputedStyle(document.body).fontFamily, solo);

  const PRINTED_WIDTH = 655;
  let printing = false;

  function fill(box, { head, rows }) {
    const table = document.createElement("table");
    const put = (parent, tag, text, scope) => {
      const cell = document.createElement(tag);
      cell.textContent = text;
      if (scope) cell.scope = scope;
      parent.append(cell);
    };
    const top = table.createTHead().insertRow();
    head.forEach((text) => put(top, "th", text, "col"));
    const body = table.createTBody();
    for (const cells of rows) {
      const row = body.insertRow();
      cells.forEach((text, i) => put(row, i === 0 ? "th" : "td", text, i === 0 ? "row" : ""));
    }
    box.replaceChildren(table);
  }

  function build(figure) {
    const { chart } = page.sections[figure.dataset.section].figures[figure.dataset.figure];
    const kind = kinds[chart.kind];
    const box = figure.querySelector(".chart");
    const state = { width: box.clientWidth };
    if (chart.kind === "rasters") Object.assign(state, chart.choices[chart.first]);
    const instance = echarts.init(box, null, { renderer: "svg" });
    const details = figure.querySelector("details");
    const draw = () => {
      state.width = instance.getWidth();
      const height = kind.height?.(chart, state);
      if (height && Math.round(height) !== instance.getHeight()) {
        box.style.height = `${height}px`;
        instance.resize({ height });
      }
      // what is pointed at stays faded or not across options, and nothing would bring it back
      instance.dispatchAction({ type: "downplay" });
      instance.setOption(kind.option(chart, state, look()), { notMerge: true });
      box.querySelector("svg")?.setAttribute("aria-hidden", "true");
      if (details.open) fill(details.querySelector(".scroll"), kind.table(chart, state));
    };
    details.addEventListener("toggle", draw);
    for (const control of kind.controls(chart) ?? []) {
      const label = document.createElement("label");
      const select = document.createElement("select");
      control.choices.forEach((name) => select.add(new Option(name)));
      select.selectedIndex = control.first ?? 0;
      control.set(state, select.selectedIndex);
      select.addEventListener("change", () => { control.set(state, select.selectedIndex); draw(); });
      label.append(control.label, select);
      figure.querySelector(".controls").append(label);
    }
    instance.on("click", (at) => { if (page.series.includes(at.seriesName)) stand(at.seriesName); });
    walk(box, instance, () => kind.lines(chart, state));
    new ResizeObserver(() => { if (!printing) { instance.resize({ width: "auto" }); draw(); } }).observe(box);
    return { instance, draw };
  }

  // Arrow keys go from point to point, and each is told.
  function walk(box, instance, lines) {
    const at = { line: 0, point: -1 };
    box.addEventListener("keydown", (event) => {
      const move = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      if (!move) return;
      event.preventDefault();
      const all = lines().filter((line) => line.texts.length > 0);
      if (all.length === 0) return;
      const clamp = (value, length) => Math.min(Math.max(value, 0), length - 1);
      at.line = clamp(at.line + move[0], all.length);
      at.point = clamp(at.point + move[1], all[at.line].texts.length);
      spoken.textContent = all[at.line].texts[at.point];
      if (all[at.line].at !== null) {
        instance.dispatchAction({ type: "showTip", seriesIndex: all[at.line].at, dataIndex: at.point });
      }
    });
    box.addEventListener("blur", () => instance.dispatchAction({ type: "hideTip" }));
  }

  // Lets a series stand alone; the one that does steps back.
  function stand(name) {
    solo.name = solo.name === name ? null : name;
    drawPicker();
    charts.forEach((chart) => chart.draw());
    spoken.textContent = solo.name === null ? "All series are shown." : `${solo.name} stands alone.`;
  }

  // A button a series, which stay: a new one under the pointer would count as pointed at.
  const buttons = picker === null ? [] : page.series.map((name) => {
    const button = document.createElement("button");
    button.type = "button";
    const swatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    swatch.setAttribute("class", "swatch");
    swatch.setAttribute("viewBox", "0 0 24 12");
    swatch.setAttribute("aria-hidden", "true");
    const stroke = document.createElementNS("http://www.w3.org/2000/svg", "path");
    stroke.setAttribute("d", "M1 6H23");
    stroke.setAttribute("stroke-width", "4");
    swatch.append(stroke);
    button.append(swatch, name);
    button.addEventListener("click", () => stand(name));
    const highlight = (type) => () => charts.forEach(({ instance }) => instance.dispatchAction({ type, seriesName: name }));
    button.addEventListener("mouseenter", highlight("highlight"));
    button.addEventListener("mouseleave", highlight("downplay"));
    picker.append(button);
    return { name, button, stroke };
  });

  function drawPicker() {
    if (!picker) return;
    const { colours } = look();
    picker.hidden = false;
    picker.classList.toggle("solo", solo.name !== null);
    for (const { name, button, stroke } of buttons) {
      const own = seriesLook(name, colours);
      button.setAttribute("aria-pressed", String(solo.name === name));
      stroke.setAttribute("stroke", own.color);
      stroke.setAttribute("stroke-dasharray", { solid: "none", dashed: "6 3", dotted: "3 2" }[own.dash]);
    }
  }

  const charts = [...document.querySelectorAll("figure[data-figure]")].map(build);
  const drawAll = () => { drawPicker(); charts.forEach((chart) => chart.draw()); };
  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  // paper is white and narrower
  addEventListener("beforeprint", () => {
    printing = true;
    document.documentElement.dataset.theme = "light";
    charts.forEach(({ instance }) => instance.resize({ width: PRINTED_WIDTH }));
    drawAll();
  });
  addEventListener("afterprint", () => {
    printing = false;
    delete document.documentElement.dataset.theme;
    charts.forEach(({ instance }) => instance.resize({ width: "auto" }));
    drawAll();
  });
})();
