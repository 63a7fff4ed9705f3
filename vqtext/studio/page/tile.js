// Signals: asked for a little beyond what is seen, drawn once beside the screen, and moved from there.

import { getSignal } from "./api.js";

const BEYOND = .5; // of what is seen, on each side
const BUDGET_MS = 7; // of drawing in one frame
const DENSE = 4; // samples in a column

export class Tile {
  // `changed` is called when there is something new to show; `failed` with an error.
  constructor(changed, failed) {
    this.changed = changed;
    this.failed = failed;
    this.sensors = [];
    this.channels = 0;
    this.open(-1, 0);
  }

  open(recording, seconds) {
    this.recording = recording;
    this.seconds = seconds;
    this.whole = this.near = this.wanted = null;
    this.busy = false;
    this.scales = [];
    this.turn = (this.turn || 0) + 1;
  }

  // See to it that there are pixels for this range; `look` says how they are drawn.
  want(range, width, look) {
    if (this.recording < 0 || width < 2) return;
    this.wanted = { ...range, width, look };
    if (!this.busy) this.load();
  }

  serves(tile, want) {
    if (!tile || tile.look !== want.look) return false;
    const density = tile.bitmap.width / (tile.end - tile.start) * (want.end - want.start) / want.width;
    const covers = tile.start <= Math.max(0, want.start) + 1e-6 && tile.end >= Math.min(this.seconds, want.end) - 1e-6;
    return covers && density > .8 && density < 4;
  }

  async load() {
    const turn = this.turn;
    this.busy = true;
    try {
      if (!this.whole) {
        const whole = await getSignal(this.recording, 0, this.seconds, 1500, this.channels);
        if (turn !== this.turn) return;
        this.scales = this.sensors.map(sensor => scale(whole, sensor));
        level(this.scales, this.sensors);
        this.whole = await this.paint(whole, this.wanted);
        this.changed();
      }
      while (turn === this.turn && !this.serves(this.near, this.wanted) && !this.serves(this.whole, this.wanted)) {
        const want = this.wanted, more = (want.end - want.start) * BEYOND;
        const start = Math.max(0, want.start - more), end = Math.min(this.seconds, want.end + more);
        const points = Math.ceil(want.width * (end - start) / (want.end - want.start));
        const data = await getSignal(this.recording, start, end, points, this.channels);
        const near = await this.paint(data, { ...want, width: points });
        if (turn !== this.turn) return;
        this.near = near;
        this.changed();
      }
    } catch (error) {
      if (turn === this.turn) this.failed(error);
    } finally {
      if (turn === this.turn) this.busy = false;
    }
  }

  async paint(data, { width, look }) {
    const bitmap = document.createElement("canvas");
    bitmap.width = Math.max(2, Math.round(width));
    bitmap.height = Math.max(2, look.height * look.ratio);
    const on = bitmap.getContext("2d");
    // Columns of many samples are set pixel by pixel: the browser takes ten times as long for such a path.
    const dense = data.samples >= DENSE && new Uint32Array(bitmap.width * bitmap.height);
    on.scale(1, look.ratio);
    on.lineJoin = "round";
    let since = performance.now();
    for (const [s, panel] of look.panels.entries()) {
      if (panel.height <= 0) continue;
      const own = [...this.sensors[s].channels.entries()].reverse();
      if (dense) own.sort((a, b) => spread(data, b[1].index) - spread(data, a[1].index)); // the widest behind
      for (const [k, channel] of own) {
        const ink = look.inks[k % look.inks.length];
        if (dense) columns(dense, bitmap.width, data, channel.index, this.scales[s], panel, look.ratio, ink);
        else {
          on.strokeStyle = ink;
          on.lineWidth = k === 0 ? 1.3 : 1.1;
          on.stroke(trace(data, channel.index, this.scales[s], panel, bitmap.width));
        }
        if (performance.now() - since > BUDGET_MS) {
          await new Promise(requestAnimationFrame);
          since = performance.now();
        }
      }
    }
    if (dense) on.putImageData(new ImageData(new Uint8ClampedArray(dense.buffer), bitmap.width), 0, 0);
    return { start: data.start, end: data.end, bitmap, look };
  }

  // Put what there is onto the canvas: the near signals where they cover what is seen, else the whole.
  draw(on, range, left, top, width, height) {
    for (const tile of [this.near, this.whole]) {
      if (!tile || tile.look.height !== height) continue;
      if (tile === this.near && (tile.start > Math.max(0, range.start) + 1e-6 || tile.end < Math.min(this.seconds, range.end) - 1e-6)) continue;
      const of = tile.bitmap.width / (tile.end - tile.start);
      const start = Math.max(range.start, tile.start), end = Math.min(range.end, tile.end);
      if (end <= start) continue;
      const per = width / (range.end - range.start);
      on.drawImage(tile.bitmap, (start - tile.start) * of, 0, (end - start) * of, tile.bitmap.height,
        left + (start - range.start) * per, top, (end - start) * per, height);
      return;
    }
  }
}

// One channel as a path: in each column a line from its least to its greatest value.
const trace = (data, channel, { low, high }, { top, height }, width) => {
  const path = new Path2D(), { values, points } = data;
  const per = width / points, up = (height - 6) / (high - low), ground = top + height - 3;
  let joined = false;
  for (let i = 0, at = channel * points * 2; i < points; i++, at += 2) {
    const least = values[at], greatest = values[at + 1];
    if (!(least === least)) { joined = false; continue; }
    const x = (i + .5) * per;
    const y = ground - (Math.min(Math.max(least, low), high) - low) * up;
    if (joined) path.lineTo(x, y); else path.moveTo(x, y);
    if (greatest !== least) path.lineTo(x, ground - (Math.min(Math.max(greatest, low), high) - low) * up);
    else if (!joined) path.lineTo(x + .01, y);
    joined = true;
  }
  return path;
};

const spread = ({ values, points }, channel) => {
  let sum = 0;
  for (let i = channel * points * 2, end = i + points * 2; i < end; i += 2) sum += values[i + 1] - values[i] || 0;
  return sum;
};

// One channel as pixels: in each column from its least to its greatest value, and on to the column before.
const columns = (pixels, width, { values, points }, channel, { low, high }, { top, height }, ratio, ink) => {
  const up = (height - 6) * ratio / (high - low), ground = (top + height - 3) * ratio;
  const [r, g, b] = [1, 3, 5].map(at => parseInt(ink.slice(at, at + 2), 16)), tone = (255 << 24 | b << 16 | g << 8 | r) >>> 0;
  let before = NaN, after = NaN;
  for (let x = 0; x < width; x++) {
    const at = (channel * points + Math.floor(x * points / width)) * 2, least = values[at], greatest = values[at + 1];
    if (!(least === least)) { before = after = NaN; continue; }
    let from = Math.round(ground - (Math.min(greatest, high) - low) * up), to = Math.round(ground - (Math.max(least, low) - low) * up);
    from = Math.max(from, Math.round(top * ratio));
    to = Math.max(Math.min(to, Math.round((top + height) * ratio) - 1), from);
    const [upper, lower] = [from, to];
    if (after < from) from = after;
    if (before > to) to = before;
    for (let y = from; y <= to; y++) pixels[y * width + x] = tone;
    before = upper;
    after = lower;
  }
};

// From where to where a sensor's values go; a spike of more than twice the usual range is cut off.
const scale = ({ values, points }, sensor) => {
  const all = [];
  for (const { index } of sensor.channels)
    for (let i = index * points * 2; i < (index + 1) * points * 2; i++) if (Number.isFinite(values[i])) all.push(values[i]);
  all.sort((a, b) => a - b);
  if (!all.length) return { low: -1, high: 1 };
  const low = all[Math.floor(.002 * all.length)], high = all[Math.ceil(.998 * all.length) - 1], wide = high - low;
  return { low: Math.max(all[0], low - wide), high: Math.min(all[all.length - 1], high + wide) };
};

// A sensor that hardly moves is not blown up to look as one that does.
const level = (scales, sensors) => {
  scales.forEach((scale, s) => {
    const same = scales.filter((_, k) => sensors[k].modality === sensors[s].modality);
    const least = Math.max(...same.map(({ low, high }) => high - low)) / 5 || 1;
    scale.span = Math.max(scale.high - scale.low, least);
  });
  for (const scale of scales) {
    const middle = (scale.low + scale.high) / 2;
    scale.low = middle - scale.span / 2;
    scale.high = middle + scale.span / 2;
  }
};
