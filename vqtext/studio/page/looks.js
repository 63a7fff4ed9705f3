// The look of a step: a colour and a hatch, so that colour alone never tells two steps apart.

let palette = { colours: ["#888"], hatches: ["plain"] };
export const setPalette = given => { palette = given; made.clear(); };

const made = new Map();
const PATHS = {
  rising: "M-2 2l4-4M0 8l8-8M6 10l4-4", falling: "M-2 6l4 4M0 0l8 8M6-2l4 4", level: "M0 4h8", cross: "M0 4h8M4 0v8",
};

const square = look => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 8;
  const on = canvas.getContext("2d");
  const hatch = palette.hatches[Math.floor(look / palette.colours.length) % palette.hatches.length];
  on.fillStyle = on.strokeStyle = palette.colours[look % palette.colours.length];
  on.globalAlpha = hatch === "plain" ? 1 : .4;
  on.fillRect(0, 0, 8, 8);
  on.globalAlpha = 1;
  on.lineWidth = 1.6;
  if (PATHS[hatch]) on.stroke(new Path2D(PATHS[hatch]));
  if (hatch === "dots") for (const at of [2, 6]) { on.beginPath(); on.arc(at, at, 1.2, 0, 7); on.fill(); }
  return canvas;
};

// What fills a band, for a canvas; a look below 0 is no step.
export const fill = (on, look) => {
  if (look < 0) return "#8888";
  if (!made.has(look)) made.set(look, on.createPattern(square(look), "repeat"));
  return made.get(look);
};

export const colour = look => look < 0 ? "#888888" : palette.colours[look % palette.colours.length];

export const swatch = look => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 14;
  canvas.className = "swatch";
  canvas.ariaHidden = "true";
  const on = canvas.getContext("2d");
  on.fillStyle = look < 0 ? "#8888" : on.createPattern(square(look), "repeat");
  on.fillRect(0, 0, 14, 14);
  return canvas;
};
