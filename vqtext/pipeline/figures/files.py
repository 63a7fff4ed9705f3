"""Figures as files: the same bytes each time, and no file replaced but one that was written here.

What was written stands in ``figures.json`` with the fingerprint of each file, so that a figure that somebody
edited is theirs from then on.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqtext.cache.fingerprint import bytes_fingerprint, file_fingerprint
from vqtext.cache.publish import publish
from vqtext.errors import ArtifactError, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = ("pdf", "svg")
LIST = "figures.json"
MADE_BY = "vqtext figures"
STYLE: Any = {
    "pdf.fonttype": 42,  # fonts as they are, which journals ask for
    "svg.fonttype": "path",  # the outlines of the letters: the same wherever it is shown
    "svg.hashsalt": MADE_BY,
    "text.usetex": False,
}
METADATA = {"pdf": {"Creator": MADE_BY, "CreationDate": None}, "svg": {"Creator": MADE_BY, "Date": None}}


def drawn(ax: Axes) -> tuple[dict[str, bytes], list[str]]:
    """The figure of these axes in each format, and what matplotlib warns of.

    The same figure gives the same bytes with the same version of matplotlib and the same fonts.
    """
    import matplotlib

    found = {}
    figure = ax.get_figure(root=True)
    assert figure is not None
    with warnings.catch_warnings(record=True) as caught, matplotlib.rc_context(STYLE):
        warnings.simplefilter("always")
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # once is enough for all formats
        for kind in FORMATS:
            out = BytesIO()
            figure.savefig(out, format=kind, metadata=METADATA[kind])
            found[kind] = out.getvalue()
    warned = sorted({str(w.message) for w in caught})
    others = [text for text in warned if "missing from font" not in text]
    if lacking := len(warned) - len(others):
        others.append(
            f"{lacking} characters are in no font and drawn as boxes: install one that has them and name it "
            "as font.family in a matplotlibrc"
        )
    return found, others


def write(folder: Path, files: Mapping[str, bytes], about: Mapping[str, Any]) -> list[str]:
    """Put all files into the folder, each whole or not at all, and say in `LIST` what they are.

    Args:
        folder: made where it is missing.
        files: name → content.
        about: what `LIST` holds besides.

    Returns:
        Files of an earlier time that stay.

    Raises:
        UsageError: a file there is not of this command, or was changed since; nothing is written.
        ArtifactError: the folder cannot be written.
    """
    known = _known(folder)
    new = {name: bytes_fingerprint(content) for name, content in files.items()}
    for name, own in new.items():
        path = folder / name
        if path.exists() and file_fingerprint(path) not in (own, *known.get(name, ())):
            raise UsageError(
                f"{path} is not as `vqtext figures` wrote it, and is left alone: move it away, or name "
                "another folder with --out"
            )
    old = {name: own for name, own in known.items() if (folder / name).exists()}
    # written beforehand, so that whatever a killed command leaves is known to be its own
    _write_list(
        folder, {**old, **{name: sorted({own, *old.get(name, ())}) for name, own in new.items()}}, about
    )
    for name, content in files.items():
        with publish(folder / name) as beside:
            beside.write_bytes(content)
    _write_list(folder, old | {name: [own] for name, own in new.items()}, about)
    return sorted({*old} - {*new})


def _known(folder: Path) -> dict[str, list[str]]:
    """File → fingerprints that it may have here."""
    path = folder / LIST
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["made_by"] != MADE_BY:
            raise ValueError
        return {str(name): [str(own) for own in each] for name, each in content["files"].items()}
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{path} is not of `vqtext figures`, and is left alone: move it away, or name another folder "
            "with --out"
        ) from None


def _write_list(folder: Path, files: Mapping[str, list[str]], about: Mapping[str, Any]) -> None:
    whole = {"made_by": MADE_BY, **about, "files": dict(sorted(files.items()))}
    with publish(folder / LIST) as beside:
        beside.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
