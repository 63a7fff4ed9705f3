// Elements out of names, attributes and children. Texts are text: nothing here reads HTML.

export const $ = query => document.querySelector(query);

export const h = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && typeof value !== "string") element[key] = value;
    else if (value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
  return element;
};

// A name out of the data: of any direction and any length.
export const name = (text, most = 400) =>
  h("bdi", text.length > most ? { title: text.slice(0, 2000) } : {}, shortened(text, most));

export const shortened = (text, most) => text.length > most ? `${text.slice(0, most)}…` : text;

export const seconds = value => {
  const minutes = Math.floor(value / 60 + 1e-9), rest = Math.max(0, value - 60 * minutes);
  const hours = Math.floor(minutes / 60);
  if (!minutes) return rest.toFixed(2);
  const two = number => String(number).padStart(2, "0");
  return `${hours ? `${hours}:${two(minutes % 60)}` : minutes}:${rest.toFixed(2).padStart(5, "0")}`;
};
