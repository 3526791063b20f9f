"use strict";
// Line charts in SVG. Names come from files that may be anybody's: they are set as text, never as markup.

const SPACE = { left: 52, right: 14, top: 12, bottom: 26 };
const COLOURS = 8;

function svg(tag, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  if (text !== undefined) node.textContent = text;
  return node;
}

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
  if (value === null) return "–";
  const size = Math.abs(value);
  if (size >= 1e4) return count(Number(value.toPrecision(4)));
  if (size > 0 && size < 1e-3) return value.toExponential(1).replace("e-", "e−");
  return String(Number(value.toPrecision(size < 1 ? 3 : 4)));
}

// Round values in [low, high], about as many as asked for.
function ticks(low, high, about) {
  const rough = (high - low) / Math.max(about, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}

function logTicks(low, high) {
  const found = [];
  for (let k = Math.floor(low); k <= Math.ceil(high); k++) {
    for (const digit of high - low < 2.5 ? [1, 2, 5] : [1]) {
      const at = k + Math.log10(digit);
      if (at >= low - 1e-9 && at <= high + 1e-9) found.push(at);
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
    this.plot = figure.querySelector(".plot");
    this.hidden = new Set();
    this.cursor = null; // the row that is looked at
    this.mark = null; // images of the preview that is shown
    this.log = this.smooth = false;
    this.values = [];
    this.tools(figure.querySelector(".tools"));
    this.legend(figure.querySelector(".legend"));
    this.plot.addEventListener("pointermove", (event) => this.look(this.row(event)));
    this.plot.addEventListener("pointerdown", (event) => this.look(this.row(event)));
    this.plot.addEventListener("pointerleave", () => this.look(null));
    this.plot.addEventListener("blur", () => this.look(null));
    this.plot.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.plot);
  }

  tools(place) {
    const offer = (name, key) => {
      const box = html("input", { type: "checkbox" });
      box.addEventListener("change", () => { this[key] = box.checked; this.draw(); });
      place.append(html("label", {}, box, name));
    };
    const all = this.spec.series.flatMap((one) => one.values).filter((value) => value !== null);
    if (all.some((value) => value > 0)) offer("log axis", "log");
    if (this.spec.images.length >= 20) offer("smooth", "smooth");
  }

  legend(place) {
    if (this.spec.series.length === 1) { // nothing to choose from
      this.values.push(html("b", {}));
      place.append(html("span", { class: "one" }, html("i", { class: "s0" }), this.values[0]));
      return;
    }
    this.spec.series.forEach((one, i) => {
      const value = html("b", {});
      const colour = html("i", { class: `s${i % COLOURS}` });
      const button = html("button", { type: "button", "aria-pressed": "true" }, colour, html("span", {}, one.name), value);
      button.addEventListener("click", () => {
        const shown = this.hidden.delete(i) || !this.hidden.add(i);
        button.setAttribute("aria-pressed", String(shown));
        this.draw();
      });
      this.values.push(value);
      place.append(button);
    });
  }

  row(event) {
    const { left, width } = this.plot.getBoundingClientRect();
    const share = (event.clientX - left - SPACE.left) / Math.max(width - SPACE.left - SPACE.right, 1);
    const at = this.first + share * (this.last - this.first);
    let best = 0;
    this.spec.images.forEach((images, i) => {
      if (Math.abs(images - at) < Math.abs(this.spec.images[best] - at)) best = i;
    });
    return best;
  }

  key(event) {
    const end = this.spec.images.length - 1, at = this.cursor === null ? end : this.cursor;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: end }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.look(Math.min(Math.max(to, 0), end));
  }

  look(row) {
    this.cursor = row;
    this.draw();
  }

  show(images) {
    this.mark = images;
    this.draw();
  }

  // What is drawn of a value: itself, or its logarithm.
  place(value) {
    return value === null || (this.log && value <= 0) ? null : this.log ? Math.log10(value) : value;
  }

  draw() {
    const width = this.plot.clientWidth, height = this.plot.clientHeight;
    if (!width || !height) return;
    const { images, series } = this.spec;
    this.first = Math.min(images[0], this.log ? images[0] : 0);
    this.last = Math.max(images[images.length - 1], this.first + 1);
    const shown = series.map((one, i) => ({ ...one, i })).filter(({ i }) => !this.hidden.has(i));
    const placed = shown.flatMap((one) => one.values.map((value) => this.place(value))).filter((value) => value !== null);
    let low = placed.reduce((a, b) => Math.min(a, b), Infinity), high = placed.reduce((a, b) => Math.max(a, b), -Infinity);
    if (!placed.length) [low, high] = [0, 1];
    const share = this.spec.best === null ? 0.06 : 0.16; // with room for the words at the best value
    const room = (high - low) * share || Math.abs(high) * 0.1 || 1;
    if (!this.log && low >= 0 && low < (high - low) * 0.6) low = 0; else low -= room;
    high += room;
    const x = (value) => SPACE.left + ((value - this.first) / (this.last - this.first)) * (width - SPACE.left - SPACE.right);
    const y = (value) => SPACE.top + ((high - value) / (high - low)) * (height - SPACE.top - SPACE.bottom);
    const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    this.axes(root, x, y, low, high, width, height);
    const upright = (at, kind) => root.append(svg("line", { class: kind, x1: x(at), x2: x(at), y1: SPACE.top, y2: height - SPACE.bottom }));
    for (const at of this.spec.changes) upright(at, "change");
    if (this.mark !== null && this.mark <= this.last) upright(this.mark, "mark");
    for (const one of shown) {
      const colour = `s${one.i % COLOURS}${one.i >= COLOURS ? " dashed" : ""}`;
      if (this.smooth) root.append(this.curve(one.values, x, y, `curve raw ${colour}`));
      root.append(this.curve(this.smooth ? smoothed(one.values) : one.values, x, y, `curve ${colour}`, one.name));
      this.dot(root, one.values, x, y, `dot ${colour}`);
    }
    if (this.spec.best !== null && shown.length) this.star(root, x, y, width, height);
    if (this.cursor !== null) upright(images[this.cursor], "cursor");
    this.plot.replaceChildren(root);
    this.read(series);
  }

  axes(root, x, y, low, high, width, height) {
    const across = ticks(this.first, this.last, width / 110);
    for (const at of across) {
      root.append(svg("text", { x: x(at), y: height - 8, "text-anchor": at === this.first ? "start" : x(at) > width - 28 ? "end" : "middle" }, count(at)));
    }
    for (const at of this.log ? logTicks(low, high) : ticks(low, high, height / 45)) {
      root.append(svg("line", { class: "grid", x1: SPACE.left, x2: width - SPACE.right, y1: y(at), y2: y(at) }));
      root.append(svg("text", { x: SPACE.left - 8, y: y(at) + 4, "text-anchor": "end" }, number(this.log ? 10 ** at : at)));
    }
    const floor = height - SPACE.bottom;
    root.append(svg("line", { class: "axis", x1: SPACE.left, x2: width - SPACE.right, y1: floor, y2: floor }));
  }

  curve(values, x, y, kind, name) {
    let path = "", pen = false;
    values.forEach((value, i) => {
      const at = this.place(value);
      if (at === null) { pen = false; return; }
      const point = `${x(this.spec.images[i]).toFixed(1)} ${y(at).toFixed(1)}`;
      // a point without neighbours is a dot: a line of no length with round ends
      path += pen ? `L${point}` : `M${point}L${point}`;
      pen = true;
    });
    const node = svg("path", { class: kind, d: path });
    if (name !== undefined) node.dataset.name = name;
    return node;
  }

  // A curve of a single point is no line that could be seen.
  dot(root, values, x, y, kind) {
    const known = values.map((value, i) => [this.place(value), i]).filter(([at]) => at !== null);
    if (known.length === 1) root.append(svg("circle", { class: kind, cx: x(this.spec.images[known[0][1]]), cy: y(known[0][0]), r: 3.5 }));
  }

  star(root, x, y, width, height) {
    const { images, series, best } = this.spec, values = series[0].values;
    const at = this.place(values[best]);
    if (at === null) return;
    const left = x(images[best]), top = y(at), words = `best ${number(values[best])}`;
    root.append(svg("circle", { class: "best", cx: left, cy: top, r: 4.5 }));
    const place = this.beside(left, top, words.length * 7, this.points(x, y), width, height);
    root.append(svg("text", { class: "best-name", x: place.x, y: place.y + 10, "text-anchor": "start" }, words));
  }

  // The curve as dense points.
  points(x, y) {
    const values = this.spec.series[0].values.map((value) => this.place(value)), found = [];
    values.forEach((value, i) => {
      if (value === null) return;
      const to = [x(this.spec.images[i]), y(value)];
      const from = i > 0 && values[i - 1] !== null ? [x(this.spec.images[i - 1]), y(values[i - 1])] : to;
      const steps = Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / 3) || 1;
      for (let k = 1; k <= steps; k++) found.push([0, 1].map((n) => from[n] + ((to[n] - from[n]) * k) / steps));
    });
    return found;
  }

  // The upper left corner of words beside a point, 12 pixels high, where the least of the curve is in their way.
  beside(left, top, wide, points, width, height) {
    const places = [];
    for (const y of [top - 20, top + 8, top - 6, top - 32, top + 20]) {
      for (const x of [left + 9, left - 9 - wide, left - wide / 2]) {
        if (y === top - 6 && x === left - wide / 2) continue; // on the point itself
        if (x < SPACE.left || x + wide > width - 2 || y < 0 || y + 12 > height - SPACE.bottom) continue;
        const hits = points.filter(([px, py]) => px > x - 3 && px < x + wide + 3 && py > y - 3 && py < y + 15).length;
        places.push({ x, y, hits });
      }
    }
    places.push({ x: Math.min(left + 9, width - wide), y: Math.max(top - 20, 0), hits: Infinity }); // on a narrow screen
    return places.sort((a, b) => a.hits - b.hits)[0];
  }

  // The values beside the names: where the cursor is, or the last ones.
  read(series) {
    series.forEach((one, i) => {
      let row = this.cursor;
      if (row === null) for (row = one.values.length - 1; row > 0 && one.values[row] === null;) row--;
      this.values[i].textContent = number(one.values[row]);
    });
    const images = this.cursor === null ? "" : `at ${this.spec.images[this.cursor].toLocaleString("en")} images`;
    this.plot.title = images;
  }
}
