// A hedge's charts, drawn by uPlot from /api/v1/history.

import { element } from "./panels.js";
import { moment, number, percent, usd } from "./words.js";

const RANGES = [["1 h", 1], ["24 h", 24], ["7 d", 168], ["30 d", 720]];
const ASK_EVERY_MS = 10000;
const HEIGHT = 180;

// `says` reads a value and `ticks` an axis mark with so many decimals; `least` is what the scale spans at least,
// so that noise does not look like news.
const CHARTS = [
  {
    title: "Hedge ratio", unit: "coins sold as a share of coins held; the band is shaded",
    lines: [["ratio", "", "--line-1"]], band: true,
    says: (v) => v.toFixed(4), ticks: (v, places) => v.toFixed(places),
    least: (s) => [lowest(s.low), highest(s.high)], margin: 0.4,
  },
  {
    title: "Net exposure", unit: "coins that still move with the price",
    lines: [["net", "", "--line-1"]],
    says: (v) => number(v.toFixed(8), 6), ticks: (v, places) => number(v.toFixed(places), places),
    least: (s) => [-0.01 * highest(s.exposure), 0.01 * highest(s.exposure)], margin: 0.08,
  },
  {
    title: "Value", unit: "USD",
    lines: [["value_usd", "with the hedge", "--line-1"], ["unhedged_usd", "without", "--line-2"]],
    says: (v) => usd(v.toFixed(2), 0), ticks: (v, places) => usd(v.toFixed(places), places),
    least: (s) => [0.99 * highest(s.value_usd), highest(s.value_usd)], margin: 0.08,
  },
  {
    title: "Liquidation distance", unit: "how far the price may rise, on the nearest leg",
    lines: [["liquidation_distance", "", "--line-3"]], none: "No price liquidates it, or none is known.",
    says: (v) => percent(String(v), 1), ticks: (v, places) => percent(v.toFixed(places), Math.max(0, places - 2)),
    least: () => [0, 0.1], margin: 0.08,
  },
];

export class Charts {
  constructor(name, root, slots, ask, decided) {
    Object.assign(this, { name, root, slots, ask, decided, hours: 24, series: null, askedAt: -Infinity });
    this.plots = CHARTS.map((chart) => new Plot(chart, name));
    slots.charts.append(...this.plots.map((plot) => plot.box));
    this.choices();
    new ResizeObserver(() => this.plots.forEach((plot) => plot.resize())).observe(slots.charts);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.plots.forEach((plot) => plot.clear());
      this.draw();
    });
  }

  choices() {
    for (const [label, hours] of RANGES) {
      const choice = document.createElement("label"), radio = document.createElement("input");
      Object.assign(radio, { type: "radio", name: `range-${this.name}`, value: hours });
      radio.checked = hours === this.hours;
      radio.addEventListener("change", () => { this.hours = hours; this.load(); });
      choice.append(radio, label);
      this.root.querySelector("fieldset").append(choice);
    }
  }

  tick(silent) {
    if (!silent && !document.hidden && performance.now() - this.askedAt > ASK_EVERY_MS) this.load();
  }

  async load() {
    this.askedAt = performance.now();
    const hours = this.hours;
    try {
      const told = await this.ask(`/api/v1/history?hedge=${encodeURIComponent(this.name)}&hours=${hours}`);
      if (hours !== this.hours) return;
      this.decided(told.decisions);
      this.series = numbers(told.series);
      this.draw();
    } catch {
      // The page says that nobody answers; what is drawn stays, greyed.
    }
  }

  draw() {
    if (this.series === null) return;
    const few = this.series.at_ms.length < 2;
    this.slots.empty.hidden = !few;
    this.slots.charts.hidden = few;
    if (!few) this.plots.forEach((plot) => plot.show(this.series));
  }
}

// One chart: its caption, its reading in words, and uPlot's canvas.
class Plot {
  constructor(chart, key) {
    Object.assign(this, { chart, key, plot: null, series: null });
    this.box = element("figure");
    this.reads = element("p", "reads");
    this.summary = element("p", "unseen");
    this.place = element("div", "plot");
    this.none = element("p", "none", chart.none ?? "Nothing known in this time.");
    this.place.setAttribute("aria-hidden", "true");
    const caption = element("figcaption");
    caption.append(element("strong", "", chart.title), element("span", "", chart.unit));
    this.box.append(caption, this.reads, this.summary, this.place, this.none);
  }

  show(series) {
    this.series = series;
    this.shown = this.chart.lines.flatMap(([key]) => series[key]).filter((v) => v !== null);
    this.none.hidden = this.shown.length > 0;
    if (this.shown.length === 0) return this.clear();
    const data = [series.at_ms.map((at) => at / 1000), ...this.chart.lines.map(([key]) => series[key])];
    if (this.chart.band) data.push(series.low, series.high);
    if (this.plot) this.plot.setData(data);
    else this.plot = new uPlot(this.options(), data, this.place);
    this.summary.textContent = this.chart.lines.map(([key, label]) => {
      const values = series[key].filter((v) => v !== null);
      return `${label} from ${this.chart.says(Math.min(...values))} to ${this.chart.says(Math.max(...values))}`;
    }).join(", ");
    return this.read(null);
  }

  // The values under the pointer, or the newest.
  read(index) {
    const at = index ?? this.series.at_ms.length - 1;
    const when = moment(new Date(this.series.at_ms[at]).toISOString());
    this.reads.replaceChildren(element("span", "", when), ...this.chart.lines.map(([key, label, name]) => {
      const line = element("span"), swatch = element("i"), value = this.series[key][at];
      swatch.style.background = `var(${name})`;
      const told = value === null ? "not known" : this.chart.says(value);
      line.append(swatch, label ? `${label} ` : "", element("b", "", told));
      return line;
    }));
  }

  clear() {
    this.plot?.destroy();
    this.plot = null;
    this.reads.replaceChildren();
    this.summary.textContent = "";
  }

  resize() {
    const width = this.place.clientWidth;
    if (this.plot && width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }

  options() {
    const { chart } = this, grid = { stroke: colour("--grid"), width: 1 };
    const axis = { stroke: colour("--muted"), grid, ticks: grid, font: "12px system-ui, sans-serif" };
    const still = { points: { show: false }, spanGaps: false };
    const lines = chart.lines.map(([, , name]) => ({ ...still, stroke: colour(name), width: 2 }));
    const edge = { ...still, stroke: colour("--band-edge"), width: 1 };
    return {
      width: this.place.clientWidth, height: HEIGHT, legend: { show: false },
      cursor: { y: false, sync: { key: this.key }, drag: { x: false, y: false } },
      series: [{}, ...lines, ...(chart.band ? [edge, edge] : [])],
      bands: chart.band ? [{ series: [3, 2], fill: colour("--band") }] : [],
      scales: { y: { range: () => this.extent() } },
      axes: [
        { ...axis, space: 64, size: 34, values: (...[, marks, , , step]) => marks.map((v) => clock(v, step)) },
        { ...axis, size: 72, values: (...[, marks, , , step]) => marks.map((v) => chart.ticks(v, decimals(step))) },
      ],
      hooks: { setCursor: [(plot) => this.read(plot.cursor.idx)] },
    };
  }

  extent() {
    const [least, most] = this.chart.least(this.series);
    const from = Math.min(least, lowest(this.shown)), to = Math.max(most, highest(this.shown));
    const margin = (to - from || 1) * this.chart.margin;
    return [from === 0 ? 0 : from - margin, to + margin];
  }
}

function numbers(series) {
  const told = {};
  for (const [key, column] of Object.entries(series)) {
    told[key] = column.map((v) => (v === null ? null : Number(v)));
  }
  told.low = told.target_ratio.map((target, index) => target - told.band[index]);
  told.high = told.target_ratio.map((target, index) => target + told.band[index]);
  told.exposure = told.value_usd.map((value, index) => (value === null ? null : value / told.price_usd[index]));
  return told;
}

const lowest = (column) => column.reduce((a, b) => (b === null ? a : Math.min(a, b)), Infinity);
const highest = (column) => column.reduce((a, b) => (b === null ? a : Math.max(a, b)), -Infinity);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Decimals that tell marks so far apart from each other: 2 for steps of 0.25.
function decimals(step) {
  let places = 0;
  while (places < 8 && Math.abs(step * 10 ** places - Math.round(step * 10 ** places)) > 1e-6) places += 1;
  return places;
}

// A mark of the time axis in UTC, as fine as the distance between marks (seconds).
function clock(seconds, step) {
  const iso = new Date(seconds * 1000).toISOString(), told = moment(iso);
  if (step >= 86400) return told.split(" ").slice(0, 2).join(" ");
  return step >= 60 ? iso.slice(11, 16) : iso.slice(11, 19);
}
