"use strict";

// What each kind of chart draws, tells point by point, and lists in the table beside it. `font` is the page's, `solo` the
// state of which series stands alone.
function chartKinds(page, font, solo) {
  // Ten colours that differ in lightness as well as hue, on white and on black; then the dashes change, so that no two of
  // thirty series look alike.
  const COLOURS = {
    light: ["#0b6bcb", "#d1510a", "#0f8a5f", "#b3279b", "#8a6d00", "#5b53d6", "#c2293d", "#00828f", "#7a4a21", "#5f6b76"],
    dark: ["#6cb2ff", "#ff9a5c", "#4fd1a1", "#f08be0", "#e3c34d", "#a79fff", "#ff8590", "#4fd3df", "#d7a57a", "#b6c0ca"],
  };
  const DASHES = ["solid", "dashed", "dotted"];
  const SYMBOLS = ["circle", "rect", "triangle", "diamond", "emptyCircle", "emptyRect", "emptyTriangle", "emptyDiamond"];

  // ---- numbers

  const PREFIXES = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"], [1e-12, "p"]];
  const figures = (value) => Number(value.toPrecision(4)).toString();
  const prefixOf = (value) => PREFIXES.find(([unit]) => Math.abs(value) >= unit) ?? PREFIXES.at(-1);

  function written(axis, value) {
    if (value === null) return "–";
    if (axis.format === "percent") return `${(100 * value).toFixed(2)} %`;
    if (axis.format === "joule") {
      const [unit, prefix] = prefixOf(value);
      return `${figures(value / unit)} ${prefix}J`;
    }
    return figures(value);
  }

  // ---- look

  function look() {
    const style = getComputedStyle(document.documentElement);
    const dark = matchMedia("(prefers-color-scheme: dark)").matches && document.documentElement.dataset.theme !== "light";
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
      colours: dark ? COLOURS.dark : COLOURS.light,
      ...Object.fromEntries(["ink", "soft", "line", "grid", "front", "card", "band"].map((name) => [name, colour(name)])),
    };
  }

  function seriesLook(name, colours) {
    const index = Math.max(0, page.series.indexOf(name));
    const faded = solo.name !== null && solo.name !== name;
    return {
      color: colours[index % colours.length],
      dash: DASHES[Math.floor(index / colours.length) % DASHES.length],
      symbol: SYMBOLS[index % SYMBOLS.length],
      opacity: faded ? 0.1 : 1,
      z: faded ? 2 : 4,
    };
  }

  function line(name, data, colours, more = {}) {
    const own = seriesLook(name, colours);
    return {
      type: "line",
      name,
      data,
      z: own.z,
      symbol: own.symbol,
      symbolSize: 7,
      showAllSymbol: true,
      itemStyle: { color: own.color, opacity: own.opacity },
      lineStyle: { color: own.color, width: 2, type: own.dash, opacity: own.opacity },
      emphasis: { focus: "series", lineStyle: { width: 3 } },
      blur: { itemStyle: { opacity: 0.1 }, lineStyle: { opacity: 0.1 } },
      ...more,
    };
  }

  function axis(is, colours, unit, values, gap) {
    const positive = values.filter((value) => value > 0);
    const wide = Math.max(...positive) / Math.min(...positive) >= 1000;
    const log = is.log && positive.length > 0;
    return {
      type: log ? "log" : "value",
      logBase: wide ? 10 : 2,
      name: unit.name,
      nameLocation: "middle",
      nameGap: gap,
      nameTextStyle: { color: colours.soft, fontSize: 13 },
      ...(log ? { min: 0.85 * Math.min(...positive), max: 1.15 * Math.max(...positive) } : {}),
      axisLabel: {
        color: colours.soft, formatter: unit.label, hideOverlap: true,
        // the ends of a logarithmic axis are where data end, no round numbers
        ...(log ? { showMinLabel: false, showMaxLabel: false } : {}),
      },
      axisLine: { show: true, lineStyle: { color: colours.line } },
      axisTick: { lineStyle: { color: colours.line } },
      splitLine: { lineStyle: { color: colours.grid } },
    };
  }

  // An axis's numbers as they are drawn: joule in a unit that suits the largest, so that ticks are round.
  function unitOf(is, values) {
    if (is.format === "percent") return { name: is.name, scale: 1, label: (value) => `${figures(100 * value)} %` };
    if (is.format !== "joule") return { name: is.name, scale: 1, label: (value) => figures(value) };
    const [scale, prefix] = prefixOf(Math.max(...values));
    return { name: `${is.name}, ${prefix}J`, scale, label: (value) => figures(value) };
  }

  // Text in a tooltip, as text.
  function tip(lines) {
    const box = document.createElement("div");
    lines.forEach((text, i) => {
      const row = document.createElement(i === 0 ? "strong" : "div");
      row.textContent = text;
      box.append(row);
    });
    return box;
  }

  function common(colours) {
    return {
      animation: false,
      textStyle: { fontFamily: font, color: colours.ink },
      tooltip: {
        confine: true,
        backgroundColor: colours.card,
        borderColor: colours.line,
        textStyle: { color: colours.ink, fontSize: 13 },
      },
    };
  }

  // ---- the kinds of chart: what is drawn, what is told point by point, and the table of the same figures

  const KINDS = {
    curves: {
      option(chart, state, colours) {
        const points = chart.series.flatMap((one) => one.points);
        const known = chart.reference;
        const xs = points.map((p) => p.x).concat(known && known.x !== null ? [known.x] : []);
        const x = unitOf(chart.x, xs);
        const y = unitOf(chart.y, []);
        const series = chart.series.map((one) =>
          line(one.name, one.points.map((p) => ({
            value: [p.x / x.scale, p.y],
            symbolSize: p.front ? 12 : 7,
            lines: [`${one.name}, ${p.label}`, `${chart.y.name} ${written(chart.y, p.y)}`,
              `${chart.x.name} ${written(chart.x, p.x)}`, ...(p.front ? ["on the Pareto front"] : [])],
          })), colours.colours));
        if (known) {
          series.push({
            type: "line", name: known.name, silent: known.x === null, z: 3,
            data: known.x === null ? [] : [{ value: [known.x / x.scale, known.y],
              lines: [known.name, `${chart.y.name} ${written(chart.y, known.y)}`, `${chart.x.name} ${written(chart.x, known.x)}`] }],
            symbol: "path://M10 0L13 7L20 7.6L14.7 12.2L16.4 19.5L10 15.5L3.6 19.5L5.3 12.2L0 7.6L7 7Z", symbolSize: 15,
            itemStyle: { color: colours.ink },
            markLine: {
              silent: true, symbol: "none", data: [{ yAxis: known.y }],
              lineStyle: { color: colours.soft, type: [6, 4], width: 1 },
              label: { formatter: `${known.name} ${written(chart.y, known.y)}`, position: "insideStartTop", color: colours.soft },
            },
          });
        }
        series.push({
          type: "line", name: "Pareto front", data: chart.front.map(([cost, value]) => [cost / x.scale, value]), step: "end",
          silent: true, symbol: "none", z: 1, lineStyle: { color: colours.front, width: 9, opacity: 0.4, cap: "round" },
        });
        const highest = Math.max(known ? known.y : 0, ...points.map((p) => p.y));
        const span = state.within ? { min: highest - state.within, max: highest + state.within / 20 } : {};
        return {
          ...common(colours),
          grid: { left: 70, right: 24, top: 28, bottom: 52 },
          xAxis: axis(chart.x, colours, x, xs.map((value) => value / x.scale), 32),
          yAxis: { ...axis(chart.y, colours, y, [], 52), ...span },
          tooltip: { ...common(colours).tooltip, trigger: "item", formatter: (at) => tip(at.data.lines) },
          series,
        };
      },
      controls: (chart) => chart.reference && [{
        label: "Show", choices: ["all", "the last 10 points", "the last 2 points"],
        set: (state, i) => { state.within = [0, 0.1, 0.02][i]; },
      }],
      lines: (chart) => chart.series.map((one, at) => ({
        at, texts: one.points.map((p) =>
          `${one.name}, ${p.label}: ${written(chart.y, p.y)} at ${written(chart.x, p.x)}${p.front ? ", on the Pareto front" : ""}`),
      })),
      table: (chart) => ({
        head: ["series", "", chart.x.name, chart.y.name, "Pareto front"],
        rows: chart.series.flatMap((one) => one.points.map((p) =>
          [one.name, p.label, written(chart.x, p.x), written(chart.y, p.y), p.front ? "yes" : ""])),
      }),
    },

    profiles: {
      option(chart, state, colours) {
        const choice = chart.choices[state.choice ?? chart.first];
        const values = choice.series.flatMap((one) => one.values.concat(one.lows)).filter((value) => value !== null);
        const series = choice.series.map((one) => line(one.name, one.values, colours.colours, { connectNulls: true }));
        for (const one of choice.series.filter((one) => one.lows.length > 0)) {
          series.push(line(one.name, one.lows, colours.colours, { symbol: "none", connectNulls: true,
            lineStyle: { color: seriesLook(one.name, colours.colours).color, width: 1, type: [2, 3],
              opacity: seriesLook(one.name, colours.colours).opacity } }));
        }
        const lines = (at) => {
          const one = choice.series.find((series) => series.name === at.seriesName);
          const low = one.lows[at.dataIndex];
          const range = low === undefined || low === null ? "" : `${written(chart.y, low)} to `;
          return [`${at.seriesName}, ${choice.name}`, choice.places[at.dataIndex],
            `${chart.y.name} ${range}${written(chart.y, one.values[at.dataIndex])}`];
        };
        const unit = unitOf(chart.y, values);
        return {
          ...common(colours),
          grid: { left: 70, right: 24, top: 16, bottom: Math.min(120, 35 + 4.5 * Math.max(...choice.places.map((place) => place.length))) },
          xAxis: {
            type: "category", data: choice.places, boundaryGap: false,
            axisLabel: { color: colours.soft, rotate: 45, width: 120, overflow: "truncate", hideOverlap: true, fontSize: 11 },
            axisLine: { lineStyle: { color: colours.line } },
          },
          yAxis: axis(chart.y, colours, unit, values, 52),
          tooltip: { ...common(colours).tooltip, trigger: "item", formatter: (at) => tip(lines(at)) },
          series,
        };
      },
      // one choice is none
      controls: (chart) => (chart.choices.length < 2 ? null : [{
        label: chart.choose, choices: chart.choices.map((choice) => choice.name), first: chart.first,
        set: (state, i) => { state.choice = i; },
      }]),
      lines(chart, state) {
        const choice = chart.choices[state.choice ?? chart.first];
        return choice.series.map((one, at) => ({
          at, texts: one.values.map((value, i) => `${one.name}, ${choice.places[i]}: ${written(chart.y, value)}`),
        }));
      },
      table: (chart, state) => {
        const choice = chart.choices[state.choice ?? chart.first];
        const cell = (one, i) => {
          const low = one.lows[i] ?? null;
          return low === null ? written(chart.y, one.values[i]) : `${written(chart.y, low)} to ${written(chart.y, one.values[i])}`;
        };
        return {
          head: [chart.places, ...choice.series.map((one) => one.name)],
          rows: choice.places.map((place, i) => [place, ...choice.series.map((one) => cell(one, i))]),
        };
      },
    },

    rasters: {
      option(chart, state, colours) {
        const choice = chosenRaster(chart, state);
        const own = seriesLook(choice.series, colours.colours);
        const rows = choice.layers.reduce((sum, layer) => sum + layer.rows.length, 0);
        const height = Math.min(8, Math.max(2.5, 900 / rows));
        const width = Math.min(14, Math.max(1.5, (0.7 * state.width) / choice.steps));
        const spikes = { up: [], down: [] };
        const areas = [];
        const middles = new Map();
        let row = 0;
        for (const layer of choice.layers) {
          const first = row;
          for (const [neuron, train] of layer.rows) {
            for (const [step, value] of train) {
              spikes[value < 0 ? "down" : "up"].push({ value: [step, row], lines: [`${layer.name}, neuron ${neuron}`,
                `${Math.abs(value) > 1 ? `${value} spikes` : value < 0 ? "negative spike" : "spike"} in step ${step}`] });
            }
            row += 1;
          }
          areas.push([{ coord: [layer.active[0] - 0.5, first - 0.5] }, { coord: [layer.active[1] + 0.5, row - 0.5] }]);
          middles.set((first + row - 1) / 2, layer.name);
        }
        const scatter = (name, data, color) => ({
          type: "scatter", name, data, symbol: "rect", symbolSize: [width, 0.8 * height], itemStyle: { color }, z: 4,
        });
        return {
          ...common(colours),
          grid: { left: 150, right: 24, top: 8, bottom: 46 },
          xAxis: { ...axis({ log: false }, colours, { name: "step", label: figures }, [], 28), min: 0.5, max: choice.steps + 0.5,
            minInterval: 1, splitLine: { show: false }, axisLabel: { color: colours.soft, showMinLabel: false, showMaxLabel: false } },
          yAxis: {
            type: "value", inverse: true, min: -0.5, max: rows - 0.5, splitLine: { show: false }, axisLine: { show: false },
            axisTick: { show: false },
            axisLabel: { color: colours.soft, fontSize: 11, width: 135, overflow: "truncate", hideOverlap: true,
              customValues: [...middles.keys()], formatter: (value) => middles.get(value) ?? "" },
          },
          tooltip: { ...common(colours).tooltip, trigger: "item", formatter: (at) => tip(at.data.lines) },
          series: [
            { ...scatter("spikes", spikes.up, own.color),
              markArea: { silent: true, itemStyle: { color: colours.band }, data: areas } },
            scatter("negative spikes", spikes.down, colours.ink),
          ],
        };
      },
      height(chart, state) {
        const rows = chosenRaster(chart, state).layers.reduce((sum, layer) => sum + layer.rows.length, 0);
        return rows * Math.min(8, Math.max(2.5, 900 / rows)) + 60;
      },
      controls: (chart) => {
        const first = chart.choices[chart.first];
        const names = (key) => [...new Set(chart.choices.map((choice) => choice[key]))];
        return [["Method", "series"], ["T", "variant"], ["Sample", "sample"]].map(([label, key]) => ({
          label, choices: names(key), first: names(key).indexOf(first[key]),
          set: (state, i) => { state[key] = names(key)[i]; },
        }));
      },
      lines: (chart, state) => chosenRaster(chart, state).layers.map((layer) => ({
        at: null, texts: layer.rows.map(([neuron, train]) =>
          `${layer.name}, neuron ${neuron}: ${train.length === 0 ? "no spike" : `spikes in steps ${train.map(([step]) => step).join(", ")}`}`),
      })),
      table: (chart, state) => ({
        head: ["layer", "neuron", "fires between", "spikes in steps"],
        rows: chosenRaster(chart, state).layers.flatMap((layer) => layer.rows.map(([neuron, train]) =>
          [layer.name, String(neuron), layer.active.join(" and "),
            train.map(([step, value]) => (value === 1 ? `${step}` : `${step} (${value})`)).join(", ")])),
      }),
    },
  };

  // The raster of what is chosen; where a method has no such T, the nearest that it has.
  function chosenRaster(chart, state) {
    const wanted = ["series", "variant", "sample"];
    const score = (choice) => wanted.reduce((sum, key, i) => sum + (choice[key] === state[key] ? 4 >> i : 0), 0);
    return chart.choices.reduce((best, choice) => (score(choice) > score(best) ? choice : best));
  }

  return { kinds: KINDS, look, seriesLook };
}
