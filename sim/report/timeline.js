// The batches of a part of the run: wheel or buttons to zoom, drag to move, point at a batch to read it.
function drawTimeline(chart) {
  const LANE = 26, HEAD = 22;
  const rows = chart.batches, end = rows.reduce((most, row) => Math.max(most, row[0] + row[1]), 1);
  const part = rows.length < chart.of ? `${rows.length.toLocaleString("en")} of ${chart.of.toLocaleString("en")} batches: those around the slowest request. ` : "";
  chart.wide = true;
  chart.note = part + "Batches one above the other ran at the same time. Wheel or buttons: zoom; drag: move; darker: slower than alone.";
  const box = card(chart, [], () => {});
  const tools = document.createElement("span");
  tools.className = "tools";
  box.insertBefore(tools, box.firstChild);
  const legend = html(box, "div", "legend");
  chart.models.forEach((name, at) => {
    const entry = html(legend, "span");
    const mark = html(entry, "i");
    mark.style.background = colour(at);
    mark.style.marginRight = "6px";
    entry.append(name);
  });
  const canvas = html(box, "canvas"), pen = canvas.getContext("2d");
  canvas.setAttribute("aria-label", "timeline of batches");
  const middle = rows[Math.floor(rows.length / 2)][0];
  let from = Math.max(0, middle - Math.min(end, 60000) / 2), span = Math.min(end, 60000), pixels = 1, width = 1;
  const place = (us) => 64 + ((us - from) / span) * (width - 64);

  function draw() {
    width = canvas.clientWidth; pixels = devicePixelRatio || 1;
    const height = HEAD + LANE * chart.lanes.length + 6;
    canvas.style.height = height + "px";
    canvas.width = width * pixels; canvas.height = height * pixels;
    pen.setTransform(pixels, 0, 0, pixels, 0, 0);
    const style = getComputedStyle(document.documentElement), ink = style.getPropertyValue("--soft"), line = style.getPropertyValue("--line");
    pen.font = "11px system-ui, sans-serif";
    for (const at of ticks((chart.from * 1e6 + from) / 1e3, (chart.from * 1e6 + from + span) / 1e3, 8)) {
      const x = place(at * 1e3 - chart.from * 1e6);
      if (x < 64) continue;
      pen.fillStyle = line; pen.fillRect(x, HEAD - 4, 1, height);
      pen.fillStyle = ink; pen.textAlign = "center"; pen.fillText(`${+at.toPrecision(9)} ms`, x, 12);
    }
    pen.textAlign = "left";
    chart.lanes.forEach((name, at) => { pen.fillStyle = ink; pen.fillText(name, 0, HEAD + LANE * at + 16); });
    pen.save();
    pen.beginPath(); pen.rect(64, 0, width - 64, height); pen.clip();
    for (const row of rows) {
      if (row[0] + row[1] < from || row[0] > from + span) continue;
      const x = place(row[0]), wide = Math.max(0.6, (row[1] / span) * (width - 64) - 0.6), top = HEAD + LANE * row[2] + 2;
      pen.fillStyle = colour(row[3]); pen.fillRect(x, top, wide, LANE - 5);
      pen.fillStyle = `rgba(0,0,0,${Math.min(0.45, Math.max(0, (row[6] / 1000 - 1) * 0.6))})`; pen.fillRect(x, top, wide, LANE - 5);
      if (wide > 18) { pen.fillStyle = "#fff"; pen.fillText(wide > 90 ? `${chart.models[row[3]]} ×${row[4]}` : `×${row[4]}`, Math.max(x, 64) + 4, top + 14); }
    }
    pen.restore();
  }

  function zoom(by, at) {
    const next = Math.min(end, Math.max(200, span * by));
    from = Math.max(0, Math.min(end - next, at - ((at - from) / span) * next)); span = next;
    draw();
  }
  for (const [name, act] of [["+", () => zoom(0.5, from + span / 2)], ["−", () => zoom(2, from + span / 2)], ["all", () => zoom(1e9, 0)]]) {
    html(tools, "button", "", name).onclick = act;
    tools.append(" ");
  }
  const under = (event) => from + ((event.clientX - canvas.getBoundingClientRect().left - 64) / (width - 64)) * span;
  canvas.addEventListener("wheel", (event) => { event.preventDefault(); zoom(event.deltaY > 0 ? 1.25 : 0.8, under(event)); }, { passive: false });
  let held = null;
  canvas.onpointerdown = (event) => { held = [event.clientX, from]; canvas.setPointerCapture(event.pointerId); };
  canvas.onpointerup = () => { held = null; };
  canvas.onpointerleave = hide;
  canvas.onpointermove = (event) => {
    if (held) {
      from = Math.max(0, Math.min(end - span, held[1] - ((event.clientX - held[0]) / (width - 64)) * span));
      hide();
      return draw();
    }
    const at = under(event), lane = Math.floor((event.clientY - canvas.getBoundingClientRect().top - HEAD) / LANE);
    const row = rows.find((each) => each[2] === lane && each[0] <= at && at <= each[0] + each[1]);
    if (!row) return hide();
    const beside = rows.filter((each) => each !== row && each[0] < row[0] + row[1] && each[0] + each[1] > row[0]).map((each) => `${chart.models[each[3]]} ×${each[4]}`);
    show(event, `${chart.models[row[3]]}, batch size ${row[4]}, ${row[5]} requests\n${(chart.from * 1e3 + row[0] / 1e3).toFixed(3)} ms, for ${(row[1] / 1e3).toFixed(3)} ms\n` +
      (row[6] ? `slowdown ${(row[6] / 1000).toFixed(3)}\n` : "not finished\n") + (beside.length ? `beside ${beside.slice(0, 4).join(", ")}` : "alone"));
  };
  addEventListener("resize", draw);
  draw();
}
for (const chart of charts) DRAW[chart.kind](chart);
document.body.dataset.drawn = charts.length;
