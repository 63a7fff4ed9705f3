// The page: what is open, what is chosen, what keys and buttons do.

import { exported, get, post } from "./api.js";
import { $, h, name, seconds, shortened } from "./dom.js";
import { setPalette } from "./looks.js";
import { panel } from "./panel.js";
import { LANGUAGES, setLanguage, t } from "./texts.js";
import { View } from "./view.js";
import { wordsForm } from "./words.js";

const app = {
  state: null, recording: -1, target: null, detail: null, questions: [], editing: false,
  labels: new Map(), words: new Map(), shown: new Map(),
  shownLabel: label => app.words.get(label)?.display ?? label,
  shownStep: (label, phrase) => phrase ? app.shown.get(`${label}\n${phrase}`) ?? phrase : "",
};
const $view = $("#view"), $panel = $("#panel"), $status = $("#status"), $notice = $("#notice"), $announcement = $("#announcement");

const view = new View($view, {
  pick: place => { $view.focus({ preventScroll: true }); choose(place); },
  stretch: (start, end) => chooseStretch(start, end),
  border: (place, at) => moveBorder(place, at),
  range: () => { $("#where span").textContent = `${seconds(view.range.start)} – ${seconds(view.range.end)}`; },
  failed: error => trouble(error),
});
window.studio = { app, view }; // for whoever measures it

// ---- state of the server

const trouble = error => {
  $notice.hidden = false;
  $notice.replaceChildren(error instanceof TypeError ? t("gone") : error.message, " ", h("button", { class: "plain", "aria-label": t("close"), onclick: () => { $notice.hidden = true; } }, "×"));
  $status.textContent = "";
};
const status = (key, values) => { $status.textContent = key ? t(key, values) : ""; };

const take = state => {
  app.state = { ...app.state, ...state };
  app.words = new Map(app.state.words.map(words => [words.label, words]));
  app.shown = new Map(app.state.steps.flatMap(of => of.steps.filter(step => step.display).map(step => [`${of.label}\n${step.phrase}`, step.display])));
  app.labels = new Map(app.state.steps.map(entry => [entry.label, entry]));
  setPalette(app.state.palette);
  $("#undo").disabled = !app.state.undo;
  $("#redo").disabled = !app.state.redo;
  view.labelNames = app.state.steps.map(entry => app.shownLabel(entry.label));
  view.stepName = (label, step) => app.shownStep(app.state.steps[label]?.label, app.state.steps[label]?.steps[step]?.phrase) || t("none");
  if (app.recording >= 0) view.corrections = mine();
  if (app.state.words_are_new) {
    $notice.hidden = false;
    $notice.replaceChildren(t("wordsNew"), " ", h("button", { id: "reopen", onclick: reopen }, t("reopen")));
  } else if ($("#reopen")) $notice.hidden = true;
};

const mine = () => app.state.corrections.filter(c => c.kind === "is" && c.recording === app.state.recordings[app.recording].name);

const names = async () => {
  const recording = app.recording, { spans, changed } = await get("names", { recording });
  while (view.edge) await new Promise(done => setTimeout(done, 50)); // a border is held: it stays where it is
  if (recording !== app.recording || found.dirty) return changed;
  spans.look = spans.step.map((step, i) => app.state.steps[spans.label[i]]?.steps[step]?.look ?? -1);
  view.spans = spans;
  view.redraw();
  return changed;
};

// Steps are found again in the background: the next correction need not wait.
const found = { dirty: false, busy: null };
const find = () => {
  found.dirty = true;
  status("working");
  found.busy ??= (async () => {
    let changed, total = 0, recordings = 0;
    while (found.dirty) {
      found.dirty = false;
      changed = await names();
      total += changed?.seconds ?? 0;
      recordings = Math.max(recordings, changed?.recordings ?? 0);
    }
    if (recordings) status("changed", { seconds: total.toFixed(1), recordings });
    else status(changed ? "same" : "saved");
    again();
  })().catch(trouble).finally(() => { found.busy = null; });
};

// One change at a time, in the order of the keys that were pressed.
let queue = Promise.resolve();
const change = (route, body) => {
  queue = queue.then(async () => {
    take(await post(route, body));
    $notice.hidden = !app.state.words_are_new;
    for (const one of body?.corrections ?? []) {
      const label = app.state.steps.findIndex(entry => entry.label === one.label), step = app.state.steps[label]?.steps.findIndex(({ phrase }) => phrase === one.phrase);
      if (one.kind === "is" && step >= 0 && one.recording === app.state.recordings[app.recording].name) view.splice(one, label, step, app.state.steps[label].steps[step].look);
    }
    app.questions = app.questions.filter(open);
    list();
    again();
    find();
  }).catch(trouble);
  return queue;
};

// Whether no correction covers a question yet.
const open = question => !app.state.corrections.some(c => c.kind === "is" && c.recording === app.state.recordings[question.recording].name
  && c.start_s < question.end_s - .01 && c.end_s > question.start_s + .01);

// Reload the chosen step, whose name may have changed; an open question and typed text stay.
const again = () => {
  const at = document.activeElement, { target } = app;
  if (app.editing || (at?.matches("input") && $panel.contains(at))) return view.redraw();
  if (!target) return draw();
  const isCorrected = mine().some(c => c.start_s < target.end - .01 && c.end_s > target.start + .01);
  if ((target.isQuestion || target.isStretch) && !isCorrected) return draw();
  return choose(view.place((target.start + target.end) / 2), false);
};

// ---- what is chosen

const phraseOf = place => place < 0 ? null : app.state.steps[view.spans.label[place]]?.steps[view.spans.step[place]]?.phrase ?? null;
const labelOf = place => place < 0 ? null : app.state.steps[view.spans.label[place]]?.label ?? null;

const look = async target => {
  app.target = view.target = target;
  app.detail = null;
  app.editing = false;
  draw();
  if (!target) return;
  const step = app.shownStep(target.label, target.phrase) || t("none");
  $announcement.textContent = `${target.isQuestion ? t("question") : shortened(step, 200)}, ${seconds(target.start)}–${seconds(target.end)}, ${shortened(app.shownLabel(target.label) ?? "", 100)}`;
  try {
    const detail = await get("step", { recording: app.recording, at: (target.start + target.end) / 2 });
    if (app.target === target) { app.detail = detail; draw(); }
  } catch (error) { if (app.target === target && !target.isStretch) trouble(error); }
};

const choose = (place, reveal = true) => {
  if (place < 0) return look(null);
  const { start, end } = view.spans;
  if (reveal) view.reveal(start[place], end[place]);
  return look({ place, start: start[place], end: end[place], label: labelOf(place), phrase: phraseOf(place) });
};

const chooseStretch = (start, end) => {
  const place = view.place((start + end) / 2);
  return look({ start, end, label: labelOf(place), phrase: phraseOf(place), isStretch: true });
};

const beside = by => {
  const { start } = view.spans;
  if (!start.length) return;
  const middle = (view.range.start + view.range.end) / 2;
  const now = app.target ? view.place((app.target.start + app.target.end) / 2) : Math.max(0, view.place(middle)) - by;
  choose(Math.min(Math.max(now + by, 0), start.length - 1));
};

const openRecording = async (place, seen) => {
  if (place !== app.recording) {
    app.recording = place;
    const { name: called, seconds: long, subject } = app.state.recordings[place];
    app.target = app.detail = null;
    view.open(place, long, app.state.sensors);
    view.corrections = mine();
    $("#where bdi").textContent = shortened(called, 300);
    $("#where bdi").title = subject ?? "";
    list();
    draw();
    await names();
    if (!seen) view.begin();
  }
  if (seen) view.reveal(seen.start, seen.end);
};

// ---- corrections

const is = (start, end, phrase, label = app.target.label) => {
  const { name: recording, subject } = app.state.recordings[app.recording];
  return { kind: "is", recording, subject, start_s: start, end_s: end, label, phrase };
};

const act = {
  accept: () => { if (app.target?.phrase) change("correct", { corrections: [is(app.target.start, app.target.end, app.target.phrase)] }); },
  mend: phrase => { if (app.target) change("correct", { corrections: [is(app.target.start, app.target.end, phrase)] }); },
  never: () => {
    const { label, phrase } = app.target ?? {};
    if (phrase) change("correct", { corrections: [{ kind: "never", recording: null, subject: null, start_s: null, end_s: null, label, phrase }] });
  },
  remove: id => change("remove", { ids: [id] }),
  stretch: (start, end) => {
    const from = Math.min(Math.max(0, start), view.seconds), to = Math.min(Math.max(0, end), view.seconds);
    if (to > from) look({ ...app.target, start: from, end: to, isStretch: !app.target.isQuestion });
    else draw();
  },
  words: () => { app.editing = true; draw(); },
  go: async one => {
    if (one.kind !== "is") return;
    const place = app.state.recordings.findIndex(recording => recording.name === one.recording);
    if (place < 0) return;
    await openRecording(place, { start: one.start_s, end: one.end_s }).catch(trouble);
    choose(view.place((one.start_s + one.end_s) / 2));
  },
};

// A moved border corrects the steps on both its sides, as far as their middles.
const moveBorder = (place, at) => {
  const { start, end } = view.spans, before = start[place], [left, right] = [phraseOf(place - 1), phraseOf(place)];
  if (Math.abs(at - before) < .005) return;
  const label = labelOf(place), corrections = [];
  if (left) corrections.push(is((start[place - 1] + Math.min(at, before)) / 2, at, left, label));
  if (right) corrections.push(is(at, (Math.max(at, before) + end[place]) / 2, right, label));
  if (corrections.length) change("correct", { corrections });
};

const holdBorder = which => {
  const place = app.target ? view.place((app.target.start + app.target.end) / 2) + which : -1;
  if (!view.movable(place)) return status("noBorder");
  holdAt(place, view.spans.start[place]);
};
const holdAt = (place, at) => {
  view.edge = { place, at: view.within(place, at) };
  view.reveal(view.edge.at, view.edge.at);
  status("border", { at: view.edge.at.toFixed(2) });
  view.redraw();
};
const leaveBorder = keeps => {
  const { place, at } = view.edge;
  view.edge = null;
  status("");
  view.redraw();
  if (keeps) moveBorder(place, at);
};

// Questions are fetched in batches; one that was skipped comes last again.
const nextQuestion = async () => {
  await queue;
  if (app.target?.isQuestion && app.questions.length > 1) app.questions.push(app.questions.shift());
  if (!app.questions.length) {
    status("asking");
    try { app.questions = (await get("questions")).questions.filter(open); } catch (error) { return trouble(error); }
    status(app.questions.length ? "" : "noQuestion");
  }
  const question = app.questions[0];
  if (!question) return;
  await openRecording(question.recording, { start: question.start_s, end: question.end_s }).catch(trouble);
  $view.focus({ preventScroll: true });
  return look({ start: question.start_s, end: question.end_s, label: question.label, phrase: question.options[0], isQuestion: true });
};

const reopen = async () => {
  status("reopening");
  try {
    take(await post("reopen"));
    app.questions = [];
    await names();
    look(null);
    status("");
  } catch (error) { trouble(error); }
};

const takeIn = async file => {
  try {
    const state = await post("import", { text: await file.text() });
    take(state);
    app.questions = [];
    await names();
    again();
    $status.textContent = [t("taken", { count: state.taken }), ...state.left_out.map(what => t("leftOut", { what }))].join("; ");
  } catch (error) { trouble(error); }
};

// ---- what is drawn

const draw = () => {
  const held = document.activeElement?.dataset?.key;
  if (app.editing && app.target && app.words.has(app.target.label)) {
    if (!$panel.querySelector("form")) {
      const done = () => { app.editing = false; draw(); $view.focus(); };
      $panel.replaceChildren(wordsForm(app.words.get(app.target.label), app.target.phrase, app.state.choices, app.state.places, async (words, seen) => {
        take(await post("words", { words, seen }));
        status("wordsSaved");
        done();
      }, done));
      $panel.querySelector("details[open] input")?.focus();
    }
  } else {
    $panel.replaceChildren(...panel(app, act));
    if (held) $panel.querySelector(`[data-key="${held}"]`)?.focus({ preventScroll: true });
  }
  view.redraw();
};

const list = () => {
  const wanted = $("#filter").value.trim().toLocaleLowerCase();
  const corrected = new Set(app.state.corrections.map(c => c.recording));
  const rows = app.state.recordings.map((recording, i) => [recording, i]).filter(([recording]) =>
    !wanted || [recording.name, recording.subject ?? "", ...recording.labels].some(text => text.toLocaleLowerCase().includes(wanted)));
  $("#list").replaceChildren(...rows.slice(0, 500).map(([recording, i]) => h("li", {},
    h("button", { "aria-current": i === app.recording ? "true" : null, onclick: () => openRecording(i).catch(trouble) },
      h("span", {}, name(recording.name, 80), corrected.has(recording.name) ? " ✓" : ""),
      h("small", {}, recording.subject && name(recording.subject, 30), recording.subject ? " · " : "", seconds(recording.seconds).replace(/\.\d+$/, ""), ` ${recording.seconds < 60 ? t("unit") : ""}`.trimEnd(),
        recording.labels.length ? " · " : "", name(recording.labels.map(app.shownLabel).join(", "), 60))))));
  if (!rows.length) $("#list").append(h("li", { class: "hint" }, t("noRecording")));
  $("#list [aria-current]")?.scrollIntoView({ block: "nearest" });
};

const KEYS = () => [
  ["← →", "help_move"], ["+ −", "help_zoom"], ["Home End", "help_ends"], ["0", "help_all"], ["↑ ↓", "help_choose"], ["N", "help_next"], ["Enter", "help_accept"],
  ["1 … 9", "help_digit"], ["B E", "help_border"], ["X", "help_never"], ["W", "help_words"], ["Ctrl+Z, Ctrl+Shift+Z", "help_undo"], [t("help_drag_key"), "help_drag"],
];

const texts = () => {
  for (const key of ["undo", "redo"]) { $(`#${key}`).replaceChildren(key === "undo" ? "↶" : "↷"); $(`#${key}`).title = $(`#${key}`).ariaLabel = t(key); }
  $("#next").replaceChildren(t("next"), h("kbd", {}, "N"));
  $("#keys").ariaLabel = $("#keys").title = t("keys");
  $("#files summary").textContent = t("files");
  $("#files div").replaceChildren(...[["csv", "exportCsv"], ["labelstudio", "exportLs"], ["config", "exportConfig"]].map(([kind, key]) =>
    h("a", { href: exported(kind), download: "" }, t(key))), h("button", { class: "plain", onclick: () => $("#file").click() }, t("importFile")));
  $("#recordings").ariaLabel = t("recordings");
  $("#filter").placeholder = $("#filter").ariaLabel = t("filter");
  $view.ariaLabel = t("view");
  $("#language").ariaLabel = t("language");
  $("#panel").ariaLabel = t("step");
  $("#help").replaceChildren(h("h2", {}, t("help")), h("dl", {}, KEYS().flatMap(([keys, key]) => [h("dt", {}, h("kbd", {}, keys)), h("dd", {}, t(key))])),
    h("form", { method: "dialog" }, h("button", { class: "main" }, t("close"))));
  $("#help").ariaLabel = t("help");
};

// ---- keys and buttons

const SLOW = .02, FAST = .2; // seconds that a border moves at a key
const keys = {
  ArrowLeft: event => view.edge ? holdAt(view.edge.place, view.edge.at - (event.shiftKey ? FAST : SLOW)) : view.pan(event.shiftKey ? -.9 : -.2),
  ArrowRight: event => view.edge ? holdAt(view.edge.place, view.edge.at + (event.shiftKey ? FAST : SLOW)) : view.pan(event.shiftKey ? .9 : .2),
  ArrowUp: () => beside(-1), ArrowDown: () => beside(1),
  "+": () => view.zoom(1 / 1.5, held()), "=": () => view.zoom(1 / 1.5, held()), "-": () => view.zoom(1.5, held()), "_": () => view.zoom(1.5, held()),
  0: () => view.show(0, view.seconds),
  Home: () => view.show(0, view.range.end - view.range.start),
  End: () => view.show(view.seconds - (view.range.end - view.range.start), view.seconds),
  n: nextQuestion, Enter: () => view.edge ? leaveBorder(true) : act.accept(), Escape: () => view.edge ? leaveBorder(false) : look(null),
  b: () => holdBorder(0), e: () => holdBorder(1), x: act.never, w: () => app.target && act.words(), "?": () => $("#help").showModal(),
};
const held = () => app.target && app.target.start < view.range.end && app.target.end > view.range.start ? (app.target.start + app.target.end) / 2 : undefined;

addEventListener("keydown", event => {
  const at = event.target, writes = at.closest("input, select, textarea, form.words, dialog, summary"), presses = at.closest("button, a");
  if ((event.ctrlKey || event.metaKey) && !event.altKey) {
    const key = event.key.toLowerCase(), redo = key === "y" || (key === "z" && event.shiftKey);
    if (writes || (key !== "z" && key !== "y")) return;
    event.preventDefault();
    if (redo ? app.state?.redo : app.state?.undo) change(redo ? "redo" : "undo");
    return;
  }
  if (event.altKey || writes || !app.state || (presses && ["Enter", " "].includes(event.key))) return;
  const digit = /^[1-9]$/.test(event.key) ? Number(event.key) : 0;
  const step = digit && app.target && app.labels.get(app.target.label)?.steps[digit - 1];
  const what = step ? () => act.mend(step.phrase) : keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!what) return;
  event.preventDefault();
  what(event);
});
$("#undo").onclick = () => change("undo");
$("#redo").onclick = () => change("redo");
$("#next").onclick = nextQuestion;
$("#keys").onclick = () => $("#help").showModal();
$("#filter").oninput = list;
$("#file").onchange = event => { if (event.target.files[0]) takeIn(event.target.files[0]); event.target.value = ""; };
$("#language").replaceChildren(...Object.entries(LANGUAGES).map(([code, called]) => h("option", { value: code }, called)));
$("#language").value = setLanguage(navigator.languages.map(code => code.slice(0, 2)).find(code => code in LANGUAGES));
$("#language").onchange = event => { setLanguage(event.target.value); texts(); list(); draw(); };
document.addEventListener("click", event => { if (!event.target.closest("#files summary")) $("#files").open = false; });

texts();
try {
  take(await get("state"));
  await openRecording(0);
  $view.focus();
} catch (error) { trouble(error); }
document.documentElement.dataset.ready = "yes";
