"""Figures of the concepts page: ``python docs/hooks/figures.py`` writes ``docs/figures/*.svg``."""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[1] / "figures"
INK, WORDS, SIGNAL, MODEL = "#263238", "#fff3d6", "#d9eefc", "#ddf1e4"
COLOURS = ("#e8a33d", "#4c9be8", "#9aa5ad")
EDGE = f"stroke='{INK}'"
LINE = f"fill='none' stroke='{INK}' stroke-width='1.5'"
SANS = "font-family='Helvetica,Arial,sans-serif' fill='#263238'"


def text(x: float, y: float, said: str, size: int = 13, anchor: str = "middle", **more: str) -> str:
    """Lines of text, the first with its baseline at y."""
    style = "".join(f" {key.replace('_', '-')}='{value}'" for key, value in more.items())
    return "".join(
        f"<text x='{x}' y='{y + i * (size + 4)}' font-size='{size}' text-anchor='{anchor}' {SANS}{style}>"
        f"{escape(line)}</text>"
        for i, line in enumerate(said.split("\n"))
    )


def box(x: float, y: float, width: float, title: str, said: str, colour: str) -> str:
    """A box of 78 pixels height with a title and up to two lines."""
    return (
        f"<rect x='{x}' y='{y}' width='{width}' height='78' rx='6' fill='{colour}' {EDGE}/>"
        + text(x + width / 2, y + 22, title, font_weight="bold")
        + text(x + width / 2, y + 44, said, 12)
    )


def arrow(*points: tuple[float, float], dashed: bool = False) -> str:
    """A line through points, with a head at its end."""
    path = " ".join(f"{x},{y}" for x, y in points)
    dash = " stroke-dasharray='5 4'" if dashed else ""
    return f"<polyline points='{path}' {LINE} marker-end='url(#head)'{dash}/>"


def write(name: str, width: int, height: int, *parts: str) -> None:
    """One SVG on white, so that it can be read on a dark page."""
    head = (
        "<marker id='head' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' orient='auto'>"
        f"<path d='M0,0 L8,4 L0,8 z' fill='{INK}'/></marker>"
    )
    body = "\n".join(parts)
    (FOLDER / f"{name}.svg").write_text(
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}'>\n<defs>{head}</defs>\n"
        f"<rect width='{width}' height='{height}' fill='white'/>\n{body}\n</svg>\n",
        encoding="utf-8",
    )


def overview() -> None:
    """Where words and signal meet, in training and at test time."""
    write(
        "overview",
        900,
        330,
        text(12, 24, "training", 14, "start", font_style="italic"),
        box(20, 40, 190, "words of a label", "ordered sub-actions,\neach with a signature", WORDS),
        box(20, 140, 190, "window", "signal and label,\nno label of any moment", SIGNAL),
        box(270, 90, 190, "E-step", "forward–backward over\nthe label's transcript", MODEL),
        box(520, 90, 160, "posterior", "of each step\nat each frame (n, F, U)", MODEL),
        box(720, 90, 165, "network", "signal → tokens → codes\n→ step names", MODEL),
        arrow((210, 79), (240, 79), (240, 115), (268, 115)),
        arrow((210, 179), (240, 179), (240, 145), (268, 145)),
        arrow((460, 129), (518, 129)),
        arrow((680, 129), (718, 129)),
        text(699, 118, "target", 11),
        f"<line x1='10' x2='890' y1='232' y2='232' stroke='{INK}' stroke-dasharray='2 4'/>",
        text(12, 254, "test", 14, "start", font_style="italic"),
        box(80, 246, 130, "window", "the signal alone", SIGNAL),
        box(270, 246, 190, "network", "step names\nat each frame", MODEL),
        box(520, 246, 160, "semi-Markov chain", "all labels' steps,\ntheir durations", MODEL),
        box(720, 246, 165, "class and reason", "lift → swing → plant\n= walking", WORDS),
        arrow((210, 285), (268, 285)),
        arrow((460, 285), (518, 285)),
        arrow((680, 285), (718, 285)),
    )


def signature() -> None:
    """Two cycles of drumming at two wrists, and the levels that are written of each step."""
    steps = (("strike left", 0.5, 6.0, 0.2), ("strike right", 0.5, 0.2, 6.0), ("hold still", 0.9, 0.2, 0.2))
    rng, rate, scale, left = np.random.default_rng(0), 50, 190, 110
    parts, speeds, now = [], [[], []], 0.0
    for name, lasts, *levels in steps * 2:
        colour = COLOURS[[step[0] for step in steps].index(name)]
        x, width = left + now * scale, lasts * scale
        parts.append(f"<rect x='{x}' y='30' width='{width}' height='180' fill='{colour}' opacity='.25'/>")
        parts.append(text(x + width / 2, 22, name, 12))
        for place, level in enumerate(levels):
            wave = level * np.sin(np.pi * (np.arange(lasts * rate) + 0.5) / (lasts * rate)) ** 0.5
            speeds[place] += list(np.abs(wave + rng.normal(scale=0.15, size=len(wave))))
            written = "strong" if level > 1 else "still"
            parts.append(text(x + width / 2, 44 + 90 * place, written, 11, font_style="italic"))
        now += lasts
    for place, (name, values) in enumerate(zip(("left wrist", "right wrist"), speeds, strict=True)):
        foot = 115 + 90 * place
        line = " ".join(f"{left + i / rate * scale:.1f},{foot - 9 * v:.1f}" for i, v in enumerate(values))
        parts.append(f"<polyline points='{line}' {LINE}/>")
        parts.append(text(left - 10, foot - 20, f"{name}\nrad/s", 12, "end"))
    parts.append(text(left + now * scale, 230, f"{now:.1f} s", 12, "end"))
    parts.append(text(left, 230, "0", 12))
    write("signature", int(left + now * scale + 20), 240, *parts)


def chain() -> None:
    """Two transcripts of one chain: a cycle, and trials with a beginning."""
    parts = []
    for row, (label, names, cyclic) in enumerate(
        [
            ("drumming (a cycle)", ("strike left", "strike right", "hold still"), True),
            ("sitting down", ("stand", "lower", "sit"), False),
        ]
    ):
        y = 70 + 130 * row
        parts.append(text(20, y + 5, label, 13, "start", font_weight="bold"))
        for i, name in enumerate(names):
            x = 250 + 190 * i
            parts.append(
                f"<rect x='{x - 60}' y='{y - 24}' width='120' height='48' rx='24' fill='{MODEL}' {EDGE}/>"
            )
            parts.append(text(x, y + 4, name))
            if i:
                parts.append(arrow((x - 130, y), (x - 62, y)))
        if cyclic:
            parts.append(arrow((630, y - 24), (630, y - 46), (250, y - 46), (250, y - 26)))
    parts.append(arrow((440, 95), (440, 174), dashed=True))
    parts.append(text(450, 139, "rare: the border to another label", 12, "start"))
    parts.append(
        text(
            20,
            250,
            "Each state lasts for a time of its own (semi-Markov); a step may be passed over.",
            12,
            "start",
        )
    )
    write("chain", 720, 265, *parts)


def main() -> None:
    """Draw them all."""
    FOLDER.mkdir(exist_ok=True)
    overview()
    signature()
    chain()


if __name__ == "__main__":
    main()
