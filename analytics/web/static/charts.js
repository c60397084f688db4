// data-chart holds {x, end, series: [{label, values, color, fill, times, bars}], sync, select, band, marks, stacked, labels, plain}
// as JSON; x is seconds since 1970, or counts `labels`, or is a plain number.
"use strict";

const shade = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const plots = new Map();

function short(value) {
  if (value == null) return "–";
  const size = Math.abs(value);
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(3)} M`;
  if (size >= 1e4) return `${+(value / 1e3).toPrecision(3)} k`;
  return size >= 100 ? value.toFixed(0) : `${+value.toPrecision(3)}`;
}

function lineOf(one) {
  const color = shade(one.color || "accent");
  const bars = one.bars ? { paths: uPlot.paths.bars({ size: [0.92, 60], align: 1 }) } : {};
  return {
    label: one.label, stroke: one.bars ? undefined : color, width: 1.5, points: { show: false },
    fill: one.bars ? color : one.fill ? `${color}22` : undefined,
    value: (_, value, __, at) => short(one.own ? (at == null ? null : one.own[at]) : value), ...bars,
  };
}

function axis(side) {
  return {
    stroke: shade("muted"), grid: { stroke: shade("line"), width: 1 }, ticks: { show: false },
    font: "12px system-ui, sans-serif", ...side,
  };
}

// A band of what would have been usual, and spans or instants that are marked.
function marks(spec) {
  return { hooks: { drawClear: (plot) => {
    const { ctx, bbox } = plot;
    for (const mark of spec.marks || []) {
      const left = plot.valToPos(mark.from, "x", true), right = plot.valToPos(mark.to ?? mark.from, "x", true);
      ctx.fillStyle = `${shade(mark.color || "bad")}2e`;
      ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
    }
  } } };
}

// Times as 24 hours of UTC; the day where it changes.
function clock(plot, all, _, gap, step) {
  let day = "";
  return all.map((at) => {
    const iso = new Date(at * 1e3).toISOString(), isNew = iso.slice(0, 10) !== day && day !== "";
    day = iso.slice(0, 10);
    return step >= 86400 || isNew ? iso.slice(5, 10) : iso.slice(11, step < 60 ? 19 : 16);
  });
}

// What stands below: a label, a number, or a time.
function ticks(spec) {
  if (spec.labels) return (_, all) => all.map((at) => (Number.isInteger(at) ? (spec.labels[at] ?? "").slice(0, 14) : ""));
  return spec.plain ? (_, all) => all.map(short) : clock;
}

function labelAt(spec, at) {
  if (spec.labels) return spec.labels[at] ?? "–";
  return spec.plain ? short(at) : new Date(at * 1e3).toISOString().slice(11, 19);
}

// Bars on top of each other: the highest sums are drawn first, the lowest over them; the legend has each one's own.
function stack(spec) {
  const sums = spec.x.map(() => 0);
  spec.series = spec.series.map((one) => ({ ...one, own: one.values, values: one.values.map((value, at) => (sums[at] += value)) })).reverse();
}

function draw(place) {
  const spec = JSON.parse(place.dataset.chart);
  if (spec.stacked) stack(spec);
  plots.get(place)?.destroy();
  place.textContent = "";
  const series = spec.series.map((one) => one.values.map((v) => (v == null ? null : v * (one.times || 1))));
  const band = spec.band ? [{ series: spec.band, fill: `${shade("accent")}1f` }] : undefined;
  const plot = new uPlot({
    width: place.clientWidth, height: place.clientHeight || 150, plugins: [marks(spec)], bands: band,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "UTC"),
    scales: { x: { time: !spec.labels && !spec.plain, ...(spec.end ? { range: () => [spec.x[0], spec.end] } : {}) }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high ?? 1) * 1.05 || 1] } },
    series: [{ label: spec.labels || spec.plain ? "at" : "Time", value: (_, at) => (at == null ? "–" : labelAt(spec, at)) }, ...spec.series.map(lineOf)],
    axes: [axis({ space: spec.labels ? 90 : 64, values: ticks(spec), size: 28 }), axis({ size: 46, values: (_, all) => all.map(short) })],
    legend: { live: true }, cursor: { sync: spec.sync ? { key: spec.sync } : undefined, drag: { x: !!spec.select, y: false } },
    hooks: spec.select ? { setSelect: [(p) => goToSelection(p)] } : {},
  }, [spec.x, ...series], place);
  plots.set(place, plot);
}

// Dragging over a chart goes to the same page with that time range.
function goToSelection(plot) {
  if (plot.select.width < 4) return;
  const [from, to] = [plot.select.left, plot.select.left + plot.select.width].map((at) => plot.posToVal(at, "x"));
  const url = new URL(location.href);
  for (const name of ["last", "before", "tail"]) url.searchParams.delete(name);
  const iso = (at) => new Date(at * 1e3).toISOString().slice(0, 19) + "Z";
  url.searchParams.set("from", iso(Math.floor(from)));
  url.searchParams.set("to", iso(Math.ceil(to)));
  location.assign(url);
}

function drawCharts(within) {
  for (const place of plots.keys()) if (!place.isConnected) { plots.get(place).destroy(); plots.delete(place); }
  within.querySelectorAll("[data-chart]").forEach(draw);
}

new ResizeObserver(() => {
  for (const [place, plot] of plots) if (place.isConnected && place.clientWidth !== plot.width) plot.setSize({ width: place.clientWidth, height: plot.height });
}).observe(document.documentElement);

// An answer of SQL as a chart: columns are [name, type], rows are lists. What lies along it is a time, a plain number
// or a label; of each column in `of` there is a line, or bars.
const isNumber = (type) => /^(u?int|float|double|decimal|half)/.test(type);
const isTime = (type) => /^(timestamp|date)/.test(type);
const COLORS = ["g0", "g1", "g2", "g3", "g4"];

function chartOf({ columns, rows }, bars, along, of) {
  const type = columns[along][1], value = (one) => (one == null ? null : Number(one));
  const spec = { series: of.map((at, n) => ({ label: columns[at][0], bars, color: of.length > 1 ? COLORS[n % COLORS.length] : undefined })) };
  let points = rows.filter((row) => row[along] != null).map((row) => [row[along], ...of.map((at) => value(row[at]))]);
  if (isTime(type)) points = points.map(([x, ...y]) => [Date.parse(x) / 1e3, ...y]).sort((a, b) => a[0] - b[0]);
  else if (isNumber(type) && !bars) { points = points.map(([x, ...y]) => [Number(x), ...y]).sort((a, b) => a[0] - b[0]); spec.plain = true; }
  else { spec.labels = points.map(([x]) => String(x)); points = points.map(([, ...y], at) => [at, ...y]); spec.end = points.length; }
  spec.x = points.map(([x]) => x);
  // bars begin at their time: the last one needs as much room as the narrowest
  if (bars && !spec.labels) spec.end = spec.x.at(-1) + Math.min(...spec.x.slice(1).map((x, at) => x - spec.x[at] || 1), Infinity);
  if (spec.end === Infinity) spec.end = spec.x[0] + 3600;
  spec.stacked = bars && of.length > 1;
  spec.series.forEach((one, n) => { one.values = points.map((point) => point[n + 1]); });
  return spec;
}
