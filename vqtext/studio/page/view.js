// The canvas of one recording: what is seen, and what mouse, wheel and fingers do to it.

import * as draw from "./draw.js";
import { Tile } from "./tile.js";

const NONE = { start: [], end: [], label: [], step: [], sure: [], look: [] };
const LEAST_S = .2; // seen at once
const NEAR = 5; // pixels to a border that is meant
const INKS = ["ink", "quiet", "line", "grid", "card", "cell", "accent", "shade", "glow", "font", "x", "y", "z"];

export class View {
  // `on` holds what is called: pick(place), stretch(start, end), border(place, seconds), range(), failed(error).
  constructor(canvas, on) {
    Object.assign(this, {
      canvas, on, sensors: [], spans: NONE, corrections: [], labelNames: [], stepName: () => "",
      range: { start: 0, end: 1 }, seconds: 1, target: null, edge: null, width: 0, height: 0,
    });
    this.tile = new Tile(() => this.redraw(), error => on.failed(error));
    new ResizeObserver(() => this.resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.resize());
    this.listen();
  }

  open(recording, seconds, sensors) {
    this.sensors = sensors;
    this.seconds = Math.max(seconds, LEAST_S);
    this.spans = NONE;
    this.target = this.edge = null;
    this.tile.sensors = sensors;
    this.tile.channels = sensors.reduce((sum, sensor) => sum + sensor.channels.length, 0);
    this.tile.open(recording, seconds);
    this.resize();
    this.show(0, Math.min(this.seconds, 20));
  }

  // Begin so near that most steps have room for their words.
  begin() {
    const { start, end } = this.spans, wide = start.map((from, i) => end[i] - from).sort((a, b) => a - b);
    this.show(0, Math.max(2, (wide[wide.length >> 1] ?? 2) * this.width / 95));
  }

  resize() {
    const style = getComputedStyle(document.documentElement), ratio = Math.min(devicePixelRatio || 1, 2);
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.ink = Object.fromEntries(INKS.map(name => [name, style.getPropertyValue(`--${name}`).trim()]));
    Object.assign(this, { width, height, ratio });
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const room = Math.max(0, height - draw.SENSORS.top - draw.SENSORS.bottom), each = room / Math.max(1, this.sensors.length);
    const head = each >= 36 ? 14 : 0; // a line of its own for what a sensor is called, where there is room
    const panels = this.sensors.map((_, i) => ({ top: i * each + head, height: each - head, head }));
    this.look = { panels, height: room, ratio, inks: [this.ink.x, this.ink.y, this.ink.z] };
    this.redraw();
  }

  show(start, end) {
    const wide = Math.min(Math.max(end - start, Math.min(LEAST_S, this.seconds)), this.seconds);
    const from = Math.min(Math.max(0, start + (end - start - wide) / 2), this.seconds - wide);
    this.range = { start: from, end: from + wide };
    this.redraw();
    this.on.range();
  }

  pan(share) {
    const by = share * (this.range.end - this.range.start);
    this.show(this.range.start + by, this.range.end + by);
  }

  zoom(factor, at = (this.range.start + this.range.end) / 2) {
    const wide = Math.min(Math.max((this.range.end - this.range.start) * factor, LEAST_S), this.seconds);
    const start = at - (at - this.range.start) * wide / (this.range.end - this.range.start);
    this.show(start, start + wide);
  }

  // Bring a stretch into sight, with some room about it.
  reveal(start, end) {
    const { range } = this, wide = range.end - range.start;
    if (start >= range.start && end <= range.end && end - start > wide / 60) return;
    const room = Math.min(Math.max(wide, (end - start) * 1.5), Math.max((end - start) * 12, 4)), middle = (start + end) / 2;
    this.show(middle - room / 2, middle + room / 2);
  }

  x = at => (at - this.range.start) / (this.range.end - this.range.start) * this.width;
  at = x => this.range.start + x / this.width * (this.range.end - this.range.start);

  // Show a correction at once; the steps that follow from it come when they are found.
  splice({ start_s, end_s }, label, step, look) {
    const { spans } = this, kept = [];
    const keep = (i, from, to) => {
      if (to - from > .005) kept.push([from, to, spans.label[i], spans.step[i], spans.sure[i], spans.look[i]]);
    };
    spans.start.forEach((from, i) => { keep(i, from, Math.min(spans.end[i], start_s)); keep(i, Math.max(from, end_s), spans.end[i]); });
    kept.push([start_s, end_s, label, step, 100, look]);
    kept.sort((a, b) => a[0] - b[0]);
    this.spans = Object.fromEntries(["start", "end", "label", "step", "sure", "look"].map((name, k) => [name, kept.map(row => row[k])]));
  }

  place(seconds) {
    const place = draw.above(this.spans.start, seconds) - 1;
    return place >= 0 && seconds < this.spans.end[place] ? place : -1;
  }

  // Whether a step and the one before it touch and are of one label: then the border between them can move.
  movable(place) {
    const { start, end, label } = this.spans;
    return place > 0 && place < start.length && start[place] - end[place - 1] < .02 && label[place] === label[place - 1];
  }

  redraw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.drawn();
    });
  }

  drawn() {
    const on = this.canvas.getContext("2d"), { ink, width, height } = this, bottom = height - draw.SENSORS.bottom;
    if (!width) return;
    on.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    on.clearRect(0, 0, width, height);
    draw.axis(on, this, this.x, width, bottom, ink);
    this.tile.want(this.range, width, this.look);
    this.tile.draw(on, this.range, 0, draw.SENSORS.top, width, this.look.height);
    draw.titles(on, this, this.look, ink);
    draw.labels(on, this, this.x, width, ink);
    draw.bands(on, this, this.x, width, ink);
    draw.corrections(on, this, this.x, ink);
    if (this.target) draw.chosen(on, this.target, this.x, bottom, ink);
    if (this.edge) draw.edge(on, this.edge.at, this.x, bottom, ink);
    draw.overview(on, this, width, ink);
  }

  listen() {
    const { canvas } = this, spot = event => {
      const box = canvas.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    canvas.addEventListener("wheel", event => {
      event.preventDefault();
      const by = event.deltaMode ? 30 : 1, dx = event.deltaX * by, dy = event.deltaY * by;
      if (event.shiftKey || Math.abs(dx) > Math.abs(dy)) this.pan((dx || dy) / this.width);
      else this.zoom(Math.exp(dy * .002), this.at(spot(event).x));
    }, { passive: false });
    canvas.addEventListener("pointerdown", event => {
      if (event.button) return;
      const from = spot(event), { start, end } = this.range, border = this.border(from);
      canvas.setPointerCapture(event.pointerId);
      const inOverview = from.y <= draw.OVERVIEW.height + 4, stretches = event.shiftKey && !inOverview;
      let moved = false;
      const move = event => {
        const now = spot(event), by = now.x - from.x;
        moved ||= Math.abs(by) > 3;
        if (inOverview) {
          const at = now.x / this.width * this.seconds, half = (end - start) / 2;
          this.show(at - half, at + half);
        } else if (!moved) return;
        else if (border > 0) this.edge = { place: border, at: this.within(border, this.at(now.x)) };
        else if (stretches) this.target = { start: this.at(Math.min(from.x, now.x)), end: this.at(Math.max(from.x, now.x)) };
        else this.show(start - by / this.width * (end - start), end - by / this.width * (end - start));
        this.redraw();
      };
      const done = event => {
        canvas.removeEventListener("pointermove", move);
        canvas.removeEventListener("pointerup", done);
        canvas.removeEventListener("pointercancel", done);
        const { edge } = this;
        this.edge = null;
        this.redraw();
        if (event.type === "pointercancel" || inOverview) return;
        if (edge && border > 0) this.on.border(edge.place, edge.at);
        else if (stretches && moved) this.on.stretch(Math.max(0, this.target.start), Math.min(this.seconds, this.target.end));
        else if (!moved) this.on.pick(this.place(this.at(from.x)));
      };
      if (inOverview) move(event);
      canvas.addEventListener("pointermove", move);
      canvas.addEventListener("pointerup", done);
      canvas.addEventListener("pointercancel", done);
    });
    canvas.addEventListener("pointermove", event => {
      canvas.style.cursor = this.border(spot(event)) > 0 ? "ew-resize" : event.shiftKey ? "crosshair" : "";
    });
  }

  // Which step begins at the border that is pointed at; -1: none.
  border({ x, y }) {
    if (y < draw.BANDS.top || y > draw.BANDS.top + draw.BANDS.height) return -1;
    const { start } = this.spans, after = draw.above(start, this.at(x)), near = [after - 1, after].filter(place =>
      this.movable(place) && Math.abs(this.x(start[place]) - x) <= NEAR
      && this.x(this.spans.end[place]) - this.x(this.spans.start[place - 1]) > 4 * NEAR);
    return near[0] ?? -1;
  }

  // A border stays between the far ends of its two steps.
  within(place, at) {
    const { start, end } = this.spans, least = start[place - 1] + .02, most = end[place] - .02;
    return Math.min(Math.max(at, least), most);
  }
}
