"""aeon's reader of ``.ts`` files, and what to say where aeon is not installed."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from vqtext.errors import DataError

MISSING = (
    'this data is read by aeon, which is not installed: pip install "vqtext[demo]", '
    "or bring your own: vqtext prepare --data csv --path FOLDER"
)


def load_ts(path: Path) -> tuple[list[np.ndarray], list[str]]:
    """Cases ``(C, T)`` and their labels, in lower case as aeon gives them.

    Raises:
        DataError: aeon is missing, or the file is not a ``.ts`` file for classification.
    """
    try:
        from aeon.datasets import load_from_ts_file
    except ModuleNotFoundError as error:
        raise DataError(MISSING) from error
    try:
        cases, labels, header = load_from_ts_file(str(path), return_meta_data=True)
    except (OSError, ValueError, IndexError) as error:
        raise DataError(f"{path} is not a readable .ts file: {str(error).splitlines()[0]}") from error
    if not header["classlabel"] or not len(labels):
        raise DataError(f"{path} has no cases with a class label")
    # The loader spells missing values "NaN" in the whole line, labels included: lower case undoes it.
    return [np.asarray(case, dtype=np.float32) for case in cases], [str(label).lower() for label in labels]


def aeon_version() -> str:
    """The installed version of aeon.

    Raises:
        DataError: aeon is missing.
    """
    try:
        return version("aeon")
    except ModuleNotFoundError as error:  # PackageNotFoundError is one
        raise DataError(MISSING) from error


def aeon_data() -> Path | None:
    """The folder of problems inside aeon's wheel; None where aeon is not installed. Does not import it."""
    try:
        found = find_spec("aeon")
    except ValueError:
        return None
    return None if found is None or found.origin is None else Path(found.origin).parent / "datasets" / "data"
