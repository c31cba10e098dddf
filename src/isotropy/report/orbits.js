"use strict";
// Moves the samples along a generator. The address may say where: #t=0.5&g=2 (generators count from 1).
(() => {
  const find = (id) => document.getElementById(id);
  const data = JSON.parse(find("orbits-data").textContent);
  const section = find("orbits"), scene = section.querySelector(".scene"), slider = find("time"), picker = find("generator");
  const spatial = data.names.length === 3, times = data.times, first = times[0], last = times[times.length - 1];
  const home = first <= 0 && last >= 0 ? 0 : first;
  const reach = spatial ? 135 : 205;
  let generator = 0, time = home, azimuth = 0.6, elevation = 0.45, playing = null;

  function make(tag, attributes, parent = scene) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return parent.appendChild(element);
  }

  // Position at any time, straight between the two nearest steps.
  function position(index, when) {
    const steps = data.points[generator];
    let right = times.findIndex((t) => t >= when);
    if (right < 0) right = times.length - 1;
    const left = Math.max(right - 1, 0);
    const share = right === left ? 0 : (when - times[left]) / (times[right] - times[left]);
    return steps[left][index].map((value, axis) => value + share * (steps[right][index][axis] - value));
  }

  // Screen coordinates and depth of a point given in units of the picture's half width.
  function project([u, v, w = 0]) {
    if (!spatial) return [reach * u, -reach * v, 0];
    const along = u * Math.cos(azimuth) - v * Math.sin(azimuth), away = u * Math.sin(azimuth) + v * Math.cos(azimuth);
    const up = w * Math.cos(elevation) + away * Math.sin(elevation);
    return [reach * along, -reach * up, away * Math.cos(elevation) - w * Math.sin(elevation)];
  }
  const screen = (point) => project(point.map((value, axis) => (value - data.centre[axis]) / data.half[axis]));
  const short = (value) => String(+value.toPrecision(3)).replace("-", "−");

  const back = make("g", {}), trails = make("g", {}), starts = make("g", {}), front = make("g", {});
  const count = data.points[0][0].length, everyTrail = Math.ceil(count / 60);
  const ranked = [...Array(count).keys()].sort((a, b) => position(a, home)[0] - position(b, home)[0]);
  const samples = [];
  ranked.forEach((index, rank) => {
    const hue = 215 - 195 * (rank / Math.max(count - 1, 1));
    samples[index] = make("circle", { class: "sample", fill: `hsl(${hue} 70% 52%)` }, front);
  });

  function line(ends, parent = back) {
    const path = ends.map((end) => project(end).slice(0, 2).map((c) => c.toFixed(1)).join(" ")).join("L");
    make("path", { class: "frame", d: "M" + path }, parent);
  }

  function label(text, at, anchor = "middle", [dx, dy] = [0, 0]) {
    const [x, y] = project(at);
    make("text", { x: x + dx, y: y + dy, "text-anchor": anchor }, back).textContent = text;
  }

  function drawFrame() {
    back.replaceChildren();
    const low = data.centre.map((c, axis) => short(c - data.half[axis])), high = data.centre.map((c, axis) => short(c + data.half[axis]));
    if (!spatial) {
      line([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]);
      label(low[0], [-1, -1], "start", [0, 18]); label(data.names[0], [0, -1], "middle", [0, 20]); label(high[0], [1, -1], "end", [0, 18]);
      label(low[1], [-1, -1], "end", [-6, 0]); label(data.names[1], [-1, 1], "start", [0, -8]); label(high[1], [-1, 1], "end", [-6, 10]);
      return;
    }
    for (const a of [-1, 1]) for (const b of [-1, 1]) {
      line([[-1, a, b], [1, a, b]]); line([[a, -1, b], [a, 1, b]]); line([[a, b, -1], [a, b, 1]]);
    }
    // Names stand at the edges that face the reader: the lowest two on the floor, the leftmost upright.
    const edges = [-1.15, 1.15], corners = edges.flatMap((a) => edges.map((b) => [a, b, 0]));
    const lowest = (ends) => ends.reduce((a, b) => (project(a)[1] > project(b)[1] ? a : b));
    label(data.names[0], lowest(edges.map((b) => [0, b, -1.1])));
    label(data.names[1], lowest(edges.map((a) => [a, 0, -1.1])));
    label(data.names[2], corners.reduce((a, b) => (project(a)[0] < project(b)[0] ? a : b)), "end");
  }

  function drawCurves() {
    trails.replaceChildren(); starts.replaceChildren();
    for (let index = 0; index < count; index++) {
      const [cx, cy] = screen(position(index, home));
      make("circle", { class: "start", r: 3, cx: cx.toFixed(2), cy: cy.toFixed(2) }, starts);
      if (index % everyTrail) continue;
      const path = data.points[generator].map((step) => screen(step[index]).slice(0, 2).map((c) => c.toFixed(1)).join(" "));
      make("path", { class: "trail", d: "M" + path.join("L") }, trails);
    }
  }

  function drawSamples() {
    samples.forEach((sample, index) => {
      const point = position(index, time), [cx, cy, depth] = screen(point);
      sample.setAttribute("cx", cx.toFixed(2));
      sample.setAttribute("cy", cy.toFixed(2));
      sample.setAttribute("r", (4.6 - 1.1 * depth).toFixed(2));
      sample.setAttribute("data-point", point.map((value) => +value.toPrecision(6)).join(","));
    });
    slider.value = time;
    find("reading").textContent = short(time);
    slider.setAttribute("aria-valuetext", short(time));
    if (picker) picker.value = generator + 1;
    find("link").href = `#t=${+time.toPrecision(4)}&g=${generator + 1}`;
    section.dataset.time = time;
    section.dataset.generator = generator + 1;
  }

  function drawAll() { drawFrame(); drawCurves(); drawSamples(); }

  function go(when, which) {
    if (Number.isFinite(when)) time = Math.min(Math.max(when, first), last);
    if (Number.isInteger(which) && which >= 1 && which <= data.points.length) generator = which - 1;
    drawAll();
  }

  function readAddress() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    if (wanted.has("t") || wanted.has("g")) go(parseFloat(wanted.get("t")), parseInt(wanted.get("g"), 10));
  }

  function stop() {
    if (playing) cancelAnimationFrame(playing);
    playing = null;
    find("play").textContent = "Play";
    find("play").setAttribute("aria-pressed", "false");
  }

  // There and back again, eight seconds a sweep, starting from where the samples are.
  function play() {
    const span = last - first, begin = performance.now(), offset = span ? (time - first) / span : 0;
    const frame = (now) => {
      const phase = (offset + (now - begin) / 8000) % 2;
      time = first + span * (phase < 1 ? phase : 2 - phase);
      drawSamples();
      playing = requestAnimationFrame(frame);
    };
    playing = requestAnimationFrame(frame);
    find("play").textContent = "Pause";
    find("play").setAttribute("aria-pressed", "true");
  }

  function turnByDragging() {
    scene.classList.add("turns");
    let from = null;
    scene.addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY]; scene.setPointerCapture(event.pointerId); });
    scene.addEventListener("pointerup", () => { from = null; });
    scene.addEventListener("pointermove", (event) => {
      if (!from) return;
      azimuth += (event.clientX - from[0]) / 150;
      elevation = Math.min(Math.max(elevation + (event.clientY - from[1]) / 150, -1.5), 1.5);
      from = [event.clientX, event.clientY];
      drawAll();
    });
  }

  Object.assign(slider, { min: first, max: last, step: (last - first) / 400 || 1 });
  slider.addEventListener("input", () => { stop(); go(parseFloat(slider.value)); });
  if (picker) picker.addEventListener("change", () => go(time, parseInt(picker.value, 10)));
  find("play").addEventListener("click", () => (playing ? stop() : play()));
  find("back").addEventListener("click", () => { stop(); go(home); });
  window.addEventListener("hashchange", () => { stop(); readAddress(); });
  scene.setAttribute("viewBox", spatial ? "-225 -205 450 410" : "-250 -230 465 465");
  if (spatial) turnByDragging();
  section.querySelector(".stage").hidden = false;
  drawAll();
  readAddress();
  section.dataset.state = "ready";
})();
