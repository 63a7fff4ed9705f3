"""How well a page can be read, asked of a real browser."""

from __future__ import annotations

from typing import Any

LEAST_CONTRAST = """([among, but]) => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  let worst = 21;
  for (const e of document.querySelectorAll(among)) {
    const text = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!text || e.closest(but) || !e.checkVisibility()) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))];
    worst = Math.min(worst, (Math.max(a, b) + .05) / (Math.min(a, b) + .05));
  }
  return worst;
}"""


def least_contrast(page: Any, among: str, but: str) -> float:
    """Least WCAG contrast over all visible text that stands on a plain ground.

    Args:
        among: selector of the elements that are looked at; but: of those that are not, with all in them.
    """
    return float(page.evaluate(LEAST_CONTRAST, [among, but]))
