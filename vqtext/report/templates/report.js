// Hover: the same name lights up in every figure. Filter: class, answer and name. The page is whole without it.
(() => {
  const all = (query, within = document) => [...within.querySelectorAll(query)];

  const light = document.head.appendChild(document.createElement("style"));
  let lit;
  document.addEventListener("pointerover", event => {
    const name = event.target.closest?.("[data-name]")?.dataset.name;
    if (name === lit) return;
    lit = name;
    light.textContent = name === undefined ? "" : `[data-name]:not([data-name="${name}"]) { opacity: .22 }`;
  });

  const form = document.querySelector(".filter");
  const said = form.querySelector("output");
  const fits = (item, key, wanted) =>
    !wanted || item.dataset[key] === undefined || item.dataset[key].trim().split(" ").includes(wanted);
  const count = (query, word) => {
    const items = all(query);
    return items.length ? `${items.filter(item => !item.hidden).length} of ${items.length} ${word}` : "";
  };
  const show = () => {
    const wanted = ["labels", "verdict", "names"].map(key => [key, form.elements[key].value]);
    for (const item of all(".item")) item.hidden = !wanted.every(([key, value]) => fits(item, key, value));
    const filtered = wanted.some(([, value]) => value);
    if (filtered) for (const more of all("details.more")) more.open ||= all(".item:not([hidden])", more).length > 0;
    said.textContent = filtered
      ? [count(".card.item", "windows"), count(".code.item", "codes")].filter(Boolean).join(" · ")
      : "";
  };
  form.addEventListener("change", show);
  form.hidden = all(".item").length === 0;
  show(); // a reload may keep what was chosen

  addEventListener("beforeprint", () => all("details.more").forEach(more => { more.open = true; }));
})();
