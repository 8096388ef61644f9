"use strict";
// Draws the charts of the page from the data in it. No library, no network.
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c6bb1", "#7f7f7f", "#b2a100", "#1b6b5a"];
const colour = (number) => COLOURS[number % COLOURS.length];
const SVG = "http://www.w3.org/2000/svg";
const tip = document.getElementById("tip");

function element(parent, name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  parent.appendChild(made);
  return made;
}

function html(parent, name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.appendChild(made);
  return made;
}

function show(event, text) {
  tip.textContent = text;
  tip.style.opacity = text ? 0.95 : 0;
  const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  tip.style.left = left + "px";
  tip.style.top = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8) + "px";
}
const hide = () => { tip.style.opacity = 0; };

const number = (value) => value === null || value === undefined ? "–"
  : Math.abs(value) >= 1e5 ? Math.round(value).toLocaleString("en") : String(+value.toPrecision(4));

function ticks(low, high, wanted) {
  const raw = (high - low) / wanted || 1, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((each) => each >= raw * 0.999);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at++) found.push(+(at * step).toPrecision(12));
  return found;
}

function logTicks(low, high) {
  const found = [];
  const digits = Math.log10(high / low) > 3 ? [1] : Math.log10(high / low) > 1.2 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 7];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
    for (const digit of digits) {
      const at = +(digit * 10 ** power).toPrecision(12);
      if (at >= low * 0.999 && at <= high * 1.001) found.push(at);
    }
  return found;
}

function axis(low, high, from, to, log) {
  if (log) return (value) => from + (Math.log(value / low) / Math.log(high / low)) * (to - from);
  return (value) => from + ((value - low) / (high - low || 1)) * (to - from);
}

// A card with title, note and legend; the legend switches series off and on, and draws again.
function card(chart, names, draw) {
  const box = html(document.getElementById("charts"), "section", "card" + (chart.wide ? " wide" : ""));
  html(box, "h2", "", chart.title);
  if (chart.note) html(box, "p", "note", chart.note);
  const off = new Set();
  const legend = names.length > 1 ? html(box, "div", "legend") : null;
  const place = html(box, "div");
  const again = () => { place.textContent = ""; draw(place, off); };
  names.forEach((name, at) => {
    if (!legend) return;
    const button = html(legend, "button");
    html(button, "i").style.background = colour(at);
    button.append(name);
    button.onclick = () => {
      if (off.has(at)) off.delete(at); else off.add(at);
      button.className = off.has(at) ? "off" : "";
      again();
    };
  });
  again();
  return box;
}

function frame(place, chart, x, y, xTicks, yTicks, size) {
  const svg = element(place, "svg", { viewBox: `0 0 ${size.width} ${size.height}`, role: "img", "aria-label": chart.title });
  for (const at of yTicks) {
    element(svg, "line", { x1: size.left, x2: size.right, y1: y(at), y2: y(at), class: "grid-line" });
    element(svg, "text", { x: size.left - 6, y: y(at) + 4, "text-anchor": "end" }, number(at));
  }
  for (const at of xTicks) {
    element(svg, "line", { x1: x(at), x2: x(at), y1: size.top, y2: size.bottom, class: "grid-line" });
    element(svg, "text", { x: x(at), y: size.bottom + 15, "text-anchor": "middle" }, number(at));
  }
  element(svg, "text", { x: (size.left + size.right) / 2, y: size.height - 2, "text-anchor": "middle" }, chart.x);
  if (chart.y) element(svg, "text", { x: size.left - 42, y: size.top - 8 }, chart.y);
  return svg;
}

function drawLines(chart) {
  const size = { width: 580, height: 290, left: 52, right: 570, top: 24, bottom: 246 };
  const known = (curve) => curve.y.map((value, at) => [curve.x[at], value]).filter((pair) => pair[1] !== null);
  card(chart, chart.series.map((each) => each.name), (place, off) => {
    const shown = chart.series.map((each, at) => [each, at]).filter((pair) => !off.has(pair[1]));
    const all = (shown.length ? shown : chart.series.map((each, at) => [each, at])).map((pair) => pair[0]);
    const xs = all.flatMap((each) => each.x).filter((value) => !chart.logX || value > 0);
    const ys = all.flatMap((each) => known(each).map((pair) => pair[1]));
    const edges = all.flatMap((each) => (each.band || []).map((band) => band && band[1])).filter((v) => v !== null);
    if (!xs.length) return void html(place, "p", "note", "nothing to show");
    let lowX = xs.reduce((a, b) => Math.min(a, b)), highX = xs.reduce((a, b) => Math.max(a, b));
    if (lowX === highX) { lowX *= 0.9; highX = highX * 1.1 || 1; }
    const lowY = ys.reduce((a, b) => Math.min(a, b), 0);
    const share = chart.top === 1;
    const highest = ys.concat(edges).reduce((a, b) => Math.max(a, b), 0);
    const highY = share ? 1 : Math.max(highest, chart.top || 0) || 1;
    const marks = ticks(lowY, highY, 5);
    const topY = share ? 1 : Math.max(highY, marks.at(-1)), bottomY = Math.min(lowY, marks[0]);
    const x = axis(lowX, highX, size.left, size.right, chart.logX), y = axis(bottomY, topY, size.bottom, size.top);
    const svg = frame(place, chart, x, y, chart.logX ? logTicks(lowX, highX) : ticks(lowX, highX, 8), marks, size);
    for (const [each, at] of shown) {
      if (each.band) {
        const ends = each.band.map((band, i) => [each.x[i], band]).filter((pair) => pair[1] && pair[1][0] !== null);
        const edge = ends.map(([a, band]) => `${x(a)},${y(Math.min(topY, band[1]))}`)
          .concat(ends.reverse().map(([a, band]) => `${x(a)},${y(Math.max(bottomY, band[0]))}`));
        element(svg, "polygon", { points: edge.join(" "), fill: colour(at), opacity: 0.16 });
      }
      let path = "", pen = "M";
      each.y.forEach((value, i) => {
        if (value === null || (chart.logX && each.x[i] <= 0)) { pen = "M"; return; }
        path += `${pen}${x(each.x[i]).toFixed(1)},${y(value).toFixed(1)}`; pen = "L";
      });
      element(svg, "path", { d: path, fill: "none", stroke: colour(at), "stroke-width": 1.7, "stroke-linejoin": "round" });
      if (each.band) each.y.forEach((value, i) => value === null || element(svg, "circle", { cx: x(each.x[i]), cy: y(value), r: 2.6, fill: colour(at) }));
    }
    const line = element(svg, "line", { y1: size.top, y2: size.bottom, stroke: "currentColor", opacity: 0 });
    svg.onpointermove = (event) => {
      const at = (event.clientX - svg.getBoundingClientRect().left) / svg.getBoundingClientRect().width * size.width;
      if (at < size.left || at > size.right) return hide();
      line.setAttribute("x1", at); line.setAttribute("x2", at); line.setAttribute("opacity", 0.3);
      const part = (at - size.left) / (size.right - size.left);
      const here = chart.logX ? lowX * (highX / lowX) ** part : lowX + part * (highX - lowX);
      const rows = shown.map(([each]) => {
        let near = 0;
        each.x.forEach((value, i) => { if (Math.abs(value - here) < Math.abs(each.x[near] - here)) near = i; });
        return `${each.name}: ${number(each.y[near])}`;
      });
      show(event, `${chart.x}: ${number(here)}\n${rows.join("\n")}`);
    };
    svg.onpointerleave = () => { hide(); line.setAttribute("opacity", 0); };
  });
}

const longest = (chart) => Math.max(...chart.rows.map((row) => row.name.length));

function rowsFrame(place, chart, values, zero) {
  const width = chart.wide ? 1180 : 580, left = Math.min(width / 2, 20 + 6.4 * longest(chart));
  const size = { width, left, right: width - 14, top: 12, bottom: 12 + 24 * chart.rows.length };
  size.height = size.bottom + 36;
  let low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
  if (zero) { low = Math.min(low, 0); high = Math.max(high, 0); }
  const spare = (high - low || Math.abs(high) || 1) * 0.05;
  const x = axis(low - spare, high + spare, size.left, size.right);
  const svg = frame(place, chart, x, (v) => v, ticks(low - spare, high + spare, 6), [], size);
  if (zero) element(svg, "line", { x1: x(0), x2: x(0), y1: size.top, y2: size.bottom, stroke: "currentColor", opacity: 0.5 });
  chart.rows.forEach((row, at) => {
    const most = Math.round((left - 20) / 6.4);
    const name = row.name.length > most ? row.name.slice(0, most - 1) + "…" : row.name;
    const text = element(svg, "text", { x: size.left - 8, y: size.top + 24 * at + 16, "text-anchor": "end" }, name);
    if (name !== row.name) element(text, "title", {}, row.name);
  });
  return [svg, x, (at) => size.top + 24 * at + 12];
}

function hover(mark, text) {
  mark.onpointermove = (event) => show(event, text);
  mark.onpointerleave = hide;
}

function drawBoxes(chart) {
  chart.wide = longest(chart) > 44;
  card(chart, [], (place) => {
    const [svg, x, y] = rowsFrame(place, chart, chart.rows.flatMap((row) => row.at), false);
    chart.rows.forEach((row, at) => {
      const [p5, p25, p50, p75, p95] = row.at, group = element(svg, "g", {});
      element(group, "line", { x1: x(p5), x2: x(p95), y1: y(at), y2: y(at), stroke: colour(0), "stroke-width": 1.5 });
      element(group, "rect", { x: x(p25), y: y(at) - 6, width: Math.max(1, x(p75) - x(p25)), height: 12, rx: 2, fill: colour(4), opacity: 0.75 });
      element(group, "line", { x1: x(p50), x2: x(p50), y1: y(at) - 7, y2: y(at) + 7, stroke: colour(0), "stroke-width": 2.5 });
      element(group, "rect", { x: x(p5) - 4, y: y(at) - 11, width: x(p95) - x(p5) + 8, height: 22, fill: "transparent" });
      hover(group, `${row.name}\n${row.said}\nmedian ${number(p50)}, quartiles ${number(p25)} to ${number(p75)}\n5th to 95th percentile ${number(p5)} to ${number(p95)}`);
    });
  });
}

function drawIntervals(chart) {
  chart.wide = longest(chart) > 44;
  card(chart, [], (place) => {
    const values = chart.rows.flatMap((row) => [row.mean, ...(row.ci95 || []), ...(row.values || [])]).filter((v) => v !== null);
    if (!values.length) return void html(place, "p", "note", "nothing to show");
    const [svg, x, y] = rowsFrame(place, chart, values, chart.zero);
    chart.rows.forEach((row, at) => {
      if (row.mean === null) return;
      const group = element(svg, "g", {}), tone = row.strong === false ? colour(7) : colour(chart.zero ? 5 : 0);
      for (const value of row.values || []) element(group, "circle", { cx: x(value), cy: y(at), r: 2.4, fill: tone, opacity: 0.28 });
      if (row.ci95) {
        element(group, "line", { x1: x(row.ci95[0]), x2: x(row.ci95[1]), y1: y(at), y2: y(at), stroke: tone, "stroke-width": 2 });
        for (const end of row.ci95) element(group, "line", { x1: x(end), x2: x(end), y1: y(at) - 5, y2: y(at) + 5, stroke: tone, "stroke-width": 2 });
      }
      element(group, "circle", { cx: x(row.mean), cy: y(at), r: 4.5, fill: tone });
      const ends = row.ci95 ? `\n95 % interval ${number(row.ci95[0])} to ${number(row.ci95[1])}` : "";
      hover(group, `${row.name}\nmean ${number(row.mean)}${ends}${row.said ? "\n" + row.said : ""}`);
    });
  });
}

function drawBars(chart) {
  const size = { width: 580, height: 290, left: 52, right: 570, top: 24, bottom: 246 };
  card(chart, chart.series.map((each) => each.name), (place, off) => {
    const shown = chart.series.map((each, at) => [each, at]).filter((pair) => !off.has(pair[1]));
    const sums = chart.categories.map((_, i) => shown.reduce((sum, [each]) => sum + each.y[i], 0));
    const marks = ticks(0, Math.max(...sums, 1), 5);
    const y = axis(0, Math.max(...sums, marks.at(-1)), size.bottom, size.top);
    const step = (size.right - size.left) / chart.categories.length, wide = Math.min(54, step * 0.72);
    const svg = frame(place, chart, (v) => v, y, [], marks, size);
    chart.categories.forEach((name, i) => {
      const middle = size.left + step * (i + 0.5);
      element(svg, "text", { x: middle, y: size.bottom + 15, "text-anchor": "middle" }, name);
      let base = 0;
      for (const [each, at] of shown) {
        const bar = element(svg, "rect", { x: middle - wide / 2, width: wide, y: y(base + each.y[i]), height: Math.max(0, y(base) - y(base + each.y[i])), fill: colour(at) });
        hover(bar, `${chart.x}: ${name}\n${each.name}: ${number(each.y[i])}\nall: ${number(sums[i])}`);
        base += each.y[i];
      }
    });
  });
}

const DRAW = { lines: drawLines, boxes: drawBoxes, intervals: drawIntervals, bars: drawBars, timeline: (chart) => drawTimeline(chart) };
const charts = JSON.parse(document.getElementById("data").textContent);
