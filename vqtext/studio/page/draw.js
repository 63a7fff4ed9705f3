// What stands on the canvas around the signals: the whole recording, labels, steps, time.

import { colour, fill } from "./looks.js";
import { seconds, shortened } from "./dom.js";

export const OVERVIEW = { top: 0, height: 22 };
export const LABELS = { top: 30, height: 18 };
export const BANDS = { top: 48, strip: 12, height: 44 };
export const SENSORS = { top: 98, bottom: 22 };

// First place whose value is above; the values rise.
export const above = (values, value) => {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= value) low = middle + 1; else high = middle;
  }
  return low;
};

const plain = text => `\u2068${shortened(text, 200)}\u2069`; // kept apart from what stands beside it

export const overview = (on, view, width, ink) => {
  const per = width / view.seconds, { top, height } = OVERVIEW;
  on.fillStyle = ink.cell;
  on.fillRect(0, top, width, height);
  columns(on, view, { start: 0, end: view.seconds }, width, top + 5, height - 10);
  on.fillStyle = ink.ink;
  for (const { start_s, end_s } of view.corrections)
    on.fillRect(start_s * per - 1, top + height - 4, Math.max(3, (end_s - start_s) * per), 4);
  on.fillStyle = ink.shade;
  on.fillRect(0, top, view.range.start * per, height);
  on.fillRect(view.range.end * per, top, width - view.range.end * per, height);
  on.strokeStyle = ink.accent;
  on.lineWidth = 2;
  const wide = Math.max(6, (view.range.end - view.range.start) * per);
  on.strokeRect(Math.min(width - wide, view.range.start * per) + 1, top + 1, wide - 2, height - 2);
};

// One pixel column after the other, where steps are too narrow to be drawn one by one.
const columns = (on, view, range, width, top, height) => {
  const { start, end, look } = view.spans, per = (range.end - range.start) / width;
  let at = -2, since = 0;
  for (let x = 0; x <= width; x++) {
    const moment = range.start + (x + .5) * per, place = above(start, moment) - 1;
    const now = x < width && place >= 0 && moment < end[place] ? look[place] : -2;
    if (now === at) continue;
    if (at !== -2) { on.fillStyle = fill(on, at); on.fillRect(since, top, x - since, height); }
    at = now;
    since = x;
  }
};

export const labels = (on, view, x, width, ink) => {
  const { start, end, label } = view.spans;
  on.font = `600 11px ${ink.font}`;
  on.textBaseline = "middle";
  on.textAlign = "left";
  let from = Math.max(0, above(end, view.range.start));
  while (from < start.length && start[from] < view.range.end) {
    let to = from;
    while (to + 1 < start.length && label[to + 1] === label[from] && start[to + 1] - end[to] < .02 && start[to] < view.range.end) to++;
    const left = Math.max(0, x(start[from])), right = Math.min(width, x(end[to]));
    on.fillStyle = ink.cell;
    on.fillRect(left, LABELS.top, Math.max(1, right - left - 1), LABELS.height - 2);
    if (right - left > 24) {
      on.fillStyle = ink.quiet;
      on.fillText(fitted(on, plain(view.labelNames[label[from]] ?? "?"), right - left - 10), left + 5, LABELS.top + 8.5);
    }
    from = to + 1;
  }
};

export const bands = (on, view, x, width, ink) => {
  const { start, end, look, sure, step, label } = view.spans, { top, strip, height } = BANDS;
  const first = Math.max(0, above(end, view.range.start)), last = above(start, view.range.end);
  if (last - first > width / 2) {
    columns(on, view, view.range, width, top, height);
    return;
  }
  on.font = `11px ${ink.font}`;
  on.textBaseline = "alphabetic";
  for (let i = first; i < last; i++) {
    const left = x(start[i]), wide = x(end[i]) - left;
    on.globalAlpha = .16;
    on.fillStyle = colour(look[i]);
    on.fillRect(left, top + strip, wide - 1, height - strip);
    on.globalAlpha = sure[i] < 30 ? .45 : 1;
    on.fillStyle = fill(on, look[i]);
    on.fillRect(left, top, Math.max(1, wide - 1), strip);
    on.globalAlpha = 1;
    const from = Math.max(left, 0) + 4, room = Math.min(left + wide, width) - from - 4;
    on.fillStyle = ink.ink;
    if (room < 34) { // its number among the label's steps
      if (room > 4 && step[i] >= 0) on.fillText(String(step[i] + 1), from - 1, top + strip + 19);
    } else {
      const title = view.stepName(label[i], step[i]);
      lines(on, plain(sure[i] < 30 ? `${title} ?` : title), room).forEach((line, k) => on.fillText(line, from, top + strip + 13 + 13 * k));
    }
  }
};

export const corrections = (on, view, x, ink) => {
  on.fillStyle = ink.ink;
  on.font = `700 10px ${ink.font}`;
  on.textBaseline = "alphabetic";
  for (const { start_s, end_s } of view.corrections) {
    const left = x(start_s), wide = x(end_s) - left;
    if (left > on.canvas.width || left + wide < 0) continue;
    on.fillRect(left, BANDS.top + BANDS.height, Math.max(2, wide - 1), 3);
    if (wide > 14) {
      on.fillStyle = ink.card;
      on.fillRect(left, BANDS.top, 12, 12);
      on.fillStyle = ink.ink;
      on.fillText("✓", left + 2, BANDS.top + 10);
    }
  }
};

// A stretch that is chosen: over the steps and through all signals.
export const chosen = (on, stretch, x, bottom, ink) => {
  const left = x(stretch.start), wide = Math.max(2, x(stretch.end) - left);
  on.fillStyle = ink.glow;
  on.fillRect(left, BANDS.top + BANDS.height, wide, bottom - BANDS.top - BANDS.height);
  on.strokeStyle = ink.accent;
  on.lineWidth = 2;
  on.setLineDash(stretch.isQuestion ? [5, 3] : []);
  on.strokeRect(left, BANDS.top - 1, wide - 1, bottom - BANDS.top);
  on.setLineDash([]);
};

export const edge = (on, at, x, bottom, ink) => {
  on.fillStyle = ink.accent;
  on.fillRect(x(at) - 1.5, BANDS.top - 6, 3, bottom - BANDS.top + 6);
};

export const axis = (on, view, x, width, bottom, ink) => {
  const per = (view.range.end - view.range.start) / width * 90;
  const step = [.01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200].find(s => s >= per) ?? 14400;
  on.font = `11px ${ink.font}`;
  on.textBaseline = "alphabetic";
  on.fillStyle = ink.quiet;
  for (let k = Math.ceil(view.range.start / step - 1e-9); k * step <= view.range.end + 1e-9; k++) {
    const at = x(k * step), full = seconds(k * step);
    on.fillStyle = ink.grid;
    on.fillRect(Math.round(at), SENSORS.top, 1, bottom - SENSORS.top);
    on.fillStyle = ink.quiet;
    const text = step >= 1 ? full.replace(/\.00$/, "") : full;
    const wide = on.measureText(text).width;
    on.fillText(text, Math.min(Math.max(0, at - wide / 2), width - wide), bottom + 15);
  }
};

export const titles = (on, view, look, ink) => {
  on.font = `10.5px ${ink.font}`;
  on.textBaseline = "top";
  look.panels.forEach(({ top: under, height, head }, s) => {
    if (height < 12) return;
    const top = under - head;
    const { title, unit, channels } = view.sensors[s];
    on.fillStyle = ink.line;
    on.fillRect(0, SENSORS.top + top, view.width, 1);
    const axes = channels.map(channel => shortened(channel.axis, 12)).slice(0, 6);
    let left = 5;
    const put = (text, tone) => {
      const wide = on.measureText(text).width;
      if (!head) {
        on.globalAlpha = .82;
        on.fillStyle = ink.card;
        on.fillRect(left - 3, SENSORS.top + top + 1, wide + 6, 13);
        on.globalAlpha = 1;
      }
      on.fillStyle = tone;
      on.fillText(text, left, SENSORS.top + top + 3);
      left += wide + 7;
    };
    put(plain(shortened(title, 60)), ink.ink);
    if (head || height >= 24) {
      if (unit) put(unit, ink.quiet);
      if (channels.length > 1) axes.forEach((axis, k) => put(axis, look.inks[k % look.inks.length]));
    }
  });
};

const fitted = (on, text, room) => {
  if (on.measureText(text).width <= room) return text;
  let low = 0, high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (on.measureText(`${text.slice(0, middle)}…`).width <= room) low = middle; else high = middle - 1;
  }
  return low ? `${text.slice(0, low)}…` : "";
};

const broken = new Map();
const lines = (on, text, room) => {
  const key = `${Math.round(room / 3)} ${text}`;
  if (!broken.has(key)) {
    if (broken.size > 4000) broken.clear();
    const words = text.split(" "), found = [];
    let line = "";
    for (const word of words) {
      const more = line ? `${line} ${word}` : word;
      if (line && found.length < 1 && on.measureText(more).width > room) { found.push(line); line = word; } else line = more;
    }
    broken.set(key, [...found, line].map(part => fitted(on, part, room)));
  }
  return broken.get(key);
};
