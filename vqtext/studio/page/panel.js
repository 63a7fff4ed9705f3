// The side of the page: the step that is looked at, its evidence, its alternatives, and the history.

import { h, name, seconds, shortened } from "./dom.js";
import { swatch } from "./looks.js";
import { t } from "./texts.js";

const bar = share => {
  const inner = h("i");
  inner.style.width = `${Math.round(100 * Math.min(Math.max(share, 0), 1))}%`;
  return h("span", { class: "bar", "aria-hidden": "true" }, inner);
};

// `app` is the state of the page, `act` what its buttons do.
export const panel = (app, act) => [
  app.target ? target(app, act) : h("p", { class: "hint" }, t("nothing")),
  history(app, act),
];

const target = (app, act) => {
  const { target, detail } = app, label = app.labels.get(target.label);
  const isCorrected = app.state.corrections.some(c => c.kind === "is" && c.recording === app.state.recordings[app.recording].name
    && c.start_s < target.end - .01 && c.end_s > target.start + .01);
  const current = label?.steps.find(step => step.phrase === target.phrase);
  const title = target.isQuestion ? t("question") : target.isStretch ? t("stretch") : null;
  const share = new Map(detail?.alternatives ?? []);
  if (detail && detail.phrase !== null) share.set(detail.phrase, Math.max(share.get(detail.phrase) ?? 0, detail.confidence ?? 0));
  const field = (key, value, change) => h("label", {}, `${t(key)} `, h("input", {
    type: "number", step: "0.01", min: "0", value: value.toFixed(2), "data-key": key, onchange: event => change(Number(event.target.value)),
  }));
  return h("section", { class: target.isQuestion ? "target question" : "target" },
    h("p", { class: "kicker" }, name(app.shownLabel(target.label), 200)),
    title && h("h3", {}, title),
    !target.isQuestion && !target.isStretch && h("h3", {}, swatch(current?.look ?? -1), name(app.shownStep(target.label, target.phrase) || t("none"), 300)),
    h("p", { class: "facts" },
      field("from", target.start, value => act.stretch(value, target.end)), " ",
      field("to", target.end, value => act.stretch(target.start, value)), ` ${t("unit")}`,
      isCorrected && h("span", { class: "corrected" }, `✓ ${t("corrected")}`),
      !target.isStretch && detail?.confidence !== undefined && detail.confidence !== null
        && h("span", {}, t("sure", { percent: Math.round(100 * detail.confidence) }), detail.confidence < .3 ? ` · ${t("unsure")}` : "")),
    target.phrase && h("button", { class: "main wide", "data-key": "accept", "aria-keyshortcuts": "Enter", onclick: act.accept },
      target.isQuestion ? h("span", {}, t("acceptThis", { step: shortened(app.shownStep(target.label, target.phrase), 80) })) : t("accept"),
      h("kbd", {}, "↵")),
    h("ol", { class: "choices", "aria-label": t("pick") }, (label?.steps ?? []).map((step, i) => h("li", {},
      h("button", { class: step.phrase === target.phrase ? "now" : "", "aria-pressed": String(step.phrase === target.phrase), "data-key": `c${i}`, onclick: () => act.mend(step.phrase) },
        h("kbd", {}, i < 9 ? String(i + 1) : ""), swatch(step.look), name(app.shownStep(target.label, step.phrase), 200),
        share.has(step.phrase) && [bar(share.get(step.phrase)), h("small", {}, `${Math.round(100 * share.get(step.phrase))} %`)]),
    ))),
    detail && !target.isStretch && evidence(detail),
    h("p", { class: "more" },
      target.phrase && h("button", { "data-key": "never", "aria-keyshortcuts": "X", onclick: act.never }, t("never", { step: shortened(app.shownStep(target.label, target.phrase), 40) })),
      app.words.has(target.label) && h("button", { "data-key": "words", "aria-keyshortcuts": "W", onclick: act.words }, t("edit"))),
  );
};

const evidence = ({ places }) => {
  const known = Object.entries(places).filter(([, nats]) => nats !== null).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  if (!known.length) return h("p", { class: "hint" }, t("noEvidence"));
  const most = Math.max(...known.map(([, nats]) => Math.abs(nats)), 1e-6);
  return h("table", { class: "evidence" }, h("caption", {}, t("evidence"), " ", h("small", {}, t("against"))),
    h("tbody", {}, known.slice(0, 12).map(([place, nats]) => h("tr", {}, h("th", { scope: "row" }, name(place, 60)),
      h("td", { class: nats < 0 ? "bad" : "good" }, bar(Math.abs(nats) / most)), h("td", { class: "n" }, `${nats < 0 ? "−" : "+"}${Math.abs(nats).toFixed(1)}`)))));
};

const history = (app, act) => {
  const there = new Set(app.state.corrections.map(c => c.id));
  const rows = [...app.state.history].reverse().flatMap(change => change.words !== undefined
    ? [h("li", {}, h("span", {}, t("wordsOf", { label: shortened(change.words, 60) })))]
    : change.added.map(one => h("li", { class: there.has(one.id) ? "" : "gone" },
      h("button", { class: "plain", onclick: () => act.go(one) },
        h("span", {}, one.kind === "is" ? "✓ " : "✗ ", name(app.shownStep(one.label, one.phrase), 120)),
        h("small", {}, one.kind === "is" ? [name(one.recording, 60), ` ${seconds(one.start_s)}–${seconds(one.end_s)}`] : [t("never_"), " · ", name(app.shownLabel(one.label), 60)])),
      there.has(one.id) && h("button", { class: "plain", title: t("remove"), "aria-label": `${t("remove")}: ${shortened(app.shownStep(one.label, one.phrase), 80)}`, onclick: () => act.remove(one.id) }, "×"))));
  return h("section", { class: "history" }, h("h3", {}, t("history")),
    app.state.problems.length > 0 && !app.state.words_are_new && h("div", { class: "problems" }, h("p", {}, t("problems")), h("ul", {}, app.state.problems.slice(0, 20).map(problem => h("li", {}, name(problem, 400))))),
    rows.length ? h("ol", {}, rows.slice(0, 200)) : h("p", { class: "hint" }, t("noHistory")));
};
