"use strict";
// Line charts by uPlot. Names come from files that may be anybody's: they are set as text, never as markup.

const COLOURS = 8;

function html(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  node.append(...children);
  return node;
}

// 12,000 as 12k: for the images below a chart.
function count(value) {
  for (const [size, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(value) >= size) return Number((value / size).toPrecision(4)) + letter;
  }
  return String(value);
}

function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 1e4) return count(Number(value.toPrecision(4)));
  if (size > 0 && size < 1e-3) return value.toExponential(1).replace("e-", "e−");
  return String(Number(value.toPrecision(size < 1 ? 3 : 4)));
}

// 1, 2 and 5 times the powers of ten within [low, high]; of many decades the powers alone.
function logTicks(low, high) {
  const found = [];
  for (let k = Math.floor(Math.log10(low)); k <= Math.log10(high); k++) {
    for (const digit of high / low < 300 ? [1, 2, 5] : [1]) {
      const at = digit * 10 ** k;
      if (at >= low && at <= high) found.push(at);
    }
  }
  return found;
}

// A running mean over some of the points before, that starts without a bias.
function smoothed(values) {
  const keep = 1 - 2 / (Math.max(6, values.length / 25) + 1);
  let mean = 0, weight = 0;
  return values.map((value) => {
    if (value === null) return null;
    mean = keep * mean + (1 - keep) * value;
    weight = keep * weight + (1 - keep);
    return mean / weight;
  });
}

class Chart {
  constructor(figure, spec) {
    this.spec = spec;
    this.place = figure.querySelector(".plot");
    this.hidden = new Set();
    this.mark = null; // images of the preview that is shown
    this.log = this.smooth = false;
    this.values = [];
    this.tools(figure.querySelector(".tools"));
    this.legend(figure.querySelector(".legend"));
    this.place.addEventListener("blur", () => this.look(null));
    this.place.addEventListener("keydown", (event) => this.key(event));
    this.build();
    new ResizeObserver(() => this.plot.setSize(this.size())).observe(this.place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.build());
  }

  tools(place) {
    const offer = (name, key) => {
      const box = html("input", { type: "checkbox" });
      box.addEventListener("change", () => { this[key] = box.checked; this.build(); });
      place.append(html("label", {}, box, name));
    };
    if (this.spec.series.some((one) => one.values.some((value) => value > 0))) offer("log axis", "log");
    if (this.spec.images.length >= 20) offer("smooth", "smooth");
  }

  legend(place) {
    const { series, best } = this.spec;
    series.forEach((one, i) => {
      const value = html("b", {}), colour = html("i", { class: `s${i % COLOURS}` });
      this.values.push(value);
      if (series.length === 1) return place.append(html("span", { class: "one" }, colour, value)); // nothing to choose from
      const button = html("button", { type: "button", "aria-pressed": "true" }, colour, html("span", {}, one.name), value);
      button.addEventListener("click", () => {
        const shown = this.hidden.delete(i) || !this.hidden.add(i);
        button.setAttribute("aria-pressed", String(shown));
        this.build();
      });
      place.append(button);
    });
    if (best !== null) place.append(html("span", { class: "best-name" }, `best ${number(series[0].values[best])}`));
  }

  size() {
    return { width: this.place.clientWidth, height: this.place.clientHeight };
  }

  key(event) {
    const end = this.spec.images.length - 1, at = this.plot.cursor.idx ?? end;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: end }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.look(Math.min(Math.max(to, 0), end));
  }

  // Read the values of a row, or for null the last ones.
  look(row) {
    const left = row === null ? -10 : this.plot.valToPos(this.spec.images[row], "x");
    this.plot.setCursor({ left, top: row === null ? -10 : 0 });
  }

  show(images) {
    this.mark = images;
    this.plot.redraw(false);
  }

  // What is shown of the values: on a logarithmic axis none that is not positive.
  shown(values) {
    return this.log ? values.map((value) => (value > 0 ? value : null)) : values;
  }

  // The values' range with some room; a linear axis begins at 0 where that costs little.
  range(low, high) {
    if (low === null) return this.log ? [0.1, 1] : [0, 1];
    if (this.log) {
      const room = Math.max((high / low) ** 0.06, 1.1);
      return [low / room, high * room];
    }
    const room = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
    return [low >= 0 && low < (high - low) * 0.6 ? 0 : low - room, high + room];
  }

  build() {
    const css = getComputedStyle(document.documentElement), colour = (name) => css.getPropertyValue(`--${name}`).trim();
    const { images, series } = this.spec;
    const data = [images], lines = [{}];
    const add = (values, i, more) => {
      const placed = this.shown(values);
      const alone = placed.map((_, k) => k).filter((k) => placed[k] !== null && (placed[k - 1] ?? placed[k + 1] ?? null) === null);
      data.push(placed);
      lines.push({
        stroke: colour(`c${i % COLOURS}`), width: 1.75, pxAlign: 0, dash: i >= COLOURS ? [6, 3] : undefined, show: !this.hidden.has(i),
        points: { show: alone.length > 0, filter: () => alone, size: 7, fill: colour(`c${i % COLOURS}`) }, ...more,
      });
    };
    series.forEach((one, i) => add(this.smooth ? smoothed(one.values) : one.values, i, { label: one.name }));
    if (this.smooth) series.forEach((one, i) => add(one.values, i, { alpha: 0.22, width: 1 }));
    const axis = { stroke: colour("soft"), font: "12px system-ui, sans-serif", ticks: { show: false } };
    this.plot?.destroy();
    this.plot = new uPlot({
      ...this.size(),
      padding: [8, 14, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false },
      scales: {
        x: { time: false, range: () => [this.log ? images[0] : 0, Math.max(images[images.length - 1], images[0] + 1)] },
        y: { distr: this.log ? 3 : 1, range: (_, low, high) => this.range(low, high) },
      },
      axes: [
        { ...axis, size: 28, gap: 6, space: 80, grid: { show: false }, border: { show: true, stroke: colour("line"), width: 1 }, values: (_, at) => at.map(count) },
        {
          ...axis, size: 52, gap: 6, space: 40, grid: { stroke: colour("grid"), width: 1 },
          values: (_, at) => at.map(number),
          ...(this.log ? { splits: (_, i, low, high) => logTicks(low, high), filter: (_, at) => at } : {}),
        },
      ],
      series: lines,
      hooks: { draw: [(plot) => this.marks(plot, colour)], setCursor: [(plot) => this.read(plot.cursor.idx ?? null)] },
    }, data, this.place);
    this.read(null);
  }

  // Where settings were changed, the preview that is shown, and the best value.
  marks(plot, colour) {
    const { ctx, bbox } = plot, { images, series, best, changes } = this.spec;
    const upright = (at, name, dash) => {
      const x = plot.valToPos(at, "x", true);
      ctx.strokeStyle = colour(name);
      ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    };
    ctx.save();
    ctx.lineWidth = devicePixelRatio;
    for (const at of changes) upright(at, "warn", [5, 4]);
    if (this.mark !== null && this.mark <= images[images.length - 1]) upright(this.mark, "accent", [2, 3]);
    if (best !== null && !(this.log && series[0].values[best] <= 0)) {
      ctx.setLineDash([]);
      ctx.lineWidth = 2 * devicePixelRatio;
      ctx.strokeStyle = colour("c2");
      ctx.fillStyle = colour("card");
      ctx.beginPath();
      const [x, y] = [plot.valToPos(images[best], "x", true), plot.valToPos(series[0].values[best], "y", true)];
      ctx.arc(x, y, 4.5 * devicePixelRatio, 0, 2 * Math.PI);
      ctx.fill();
      ctx.stroke();
    }
    ctx.restore();
  }

  // The values beside the names: where the cursor is, or the last ones.
  read(row) {
    this.spec.series.forEach(({ values }, i) => {
      this.values[i].textContent = number(row === null ? values.findLast((value) => value !== null) : values[row]);
    });
    this.place.title = row === null ? "" : `at ${this.spec.images[row].toLocaleString("en")} images`;
  }
}
