// The words of one label, edited beside the signal.

import { h, name, shortened } from "./dom.js";
import { t } from "./texts.js";

// A form over a copy of the words, open at one phrase; `save` is given them, `cancel` nothing. Fields that it does
// not show stay as they are.
export const wordsForm = (words, phrase, choices, places, save, cancel) => {
  const copy = structuredClone(words), list = h("ol", { class: "word-steps" }), trouble = h("p", { class: "trouble", role: "alert" });
  const text = (of, key, label) => h("label", {}, h("span", {}, label), h("input", {
    type: "text", value: of[key] ?? "", maxlength: "2000", oninput: event => { put(of, key, event.target.value); },
  }));
  const choice = (of, key, label, offered = choices[key]) => h("select", {
    "aria-label": label, title: label, onchange: event => put(of, key, event.target.value),
  }, h("option", { value: "" }, `${label}: –`), offered.map(value => h("option", { value, selected: of[key] === value }, value)));
  const unfolded = new Set([copy.subactions.find(step => step.phrase === phrase) ?? copy.subactions[0]]);
  const draw = (focus) => {
    if (focus !== undefined) unfolded.add(copy.subactions[Math.min(focus, copy.subactions.length - 1)]);
    list.replaceChildren(...copy.subactions.map((step, i) => h("li", {}, h("details", {
      open: unfolded.has(step), ontoggle: event => { if (event.target.open) unfolded.add(step); else unfolded.delete(step); },
    }, h("summary", {}, `${i + 1}. `, name(step.phrase || "…", 120)),
      h("div", { class: "row" }, text(step, "phrase", t("phrase")),
        h("span", { class: "moves" }, move("↑", t("up"), i, -1), move("↓", t("down"), i, 1),
          h("button", { type: "button", "aria-label": t("drop"), title: t("drop"), disabled: copy.subactions.length < 2, onclick: () => { copy.subactions.splice(i, 1); draw(i); } }, "×"))),
      h("div", { class: "row" }, text(step, "display", t("shown")), choice(step, "lasts", t("lasts")), choice(step, "side", t("side"))),
      Object.entries(step.signature ?? {}).map(([place, cell]) => h("div", { class: "row cell" }, h("b", {}, name(place, 40)),
        choice(cell, "motion", t("motion")), choice(cell, "direction", t("direction")), choice(cell, "posture", t("posture")),
        h("button", { type: "button", "aria-label": `${t("drop")}: ${place}`, title: t("drop"), onclick: () => { delete step.signature[place]; draw(i); } }, "×"))),
      more(step, i)))));
    list.children[focus]?.querySelector("input")?.focus();
  };
  const move = (sign, label, i, by) => h("button", {
    type: "button", "aria-label": label, title: label, disabled: !copy.subactions[i + by],
    onclick: () => { copy.subactions.splice(i + by, 0, ...copy.subactions.splice(i, 1)); draw(i + by); },
  }, sign);
  const more = (step, i) => {
    const left = places.filter(place => !(place in (step.signature ?? {})));
    return left.length > 0 && h("select", { class: "add", "aria-label": t("addPlace"), onchange: event => {
      step.signature = { ...step.signature, [event.target.value]: {} };
      draw(i);
    } }, h("option", { value: "" }, `+ ${t("addPlace")}`), left.map(place => h("option", { value: place }, place)));
  };
  draw();
  return h("form", {
    class: "words", "aria-label": t("words", { label: words.label }),
    onsubmit: async event => {
      event.preventDefault();
      trouble.textContent = "";
      for (const step of copy.subactions) {
        for (const [place, cell] of Object.entries(step.signature ?? {})) if (!Object.keys(cell).length) delete step.signature[place];
        if (step.signature && !Object.keys(step.signature).length) delete step.signature;
      }
      try { await save(copy, words); } catch (error) { trouble.textContent = error.message; trouble.scrollIntoView({ block: "nearest" }); }
    },
    onkeydown: event => { if (event.key === "Escape") cancel(); },
  },
  h("h3", {}, t("words", { label: `\u2068${shortened(words.display ?? words.label, 80)}\u2069` })),
  list,
  h("button", { type: "button", class: "plain", onclick: () => { copy.subactions.push({ phrase: "" }); draw(copy.subactions.length - 1); } }, `+ ${t("addStep")}`),
  trouble,
  h("p", { class: "row end" }, h("button", { type: "button", onclick: cancel }, t("cancel")), h("button", { class: "main" }, t("save"))));
};

const put = (of, key, value) => { if (value) of[key] = value; else if (key === "phrase") of[key] = ""; else delete of[key]; };
