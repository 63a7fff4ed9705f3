"""The page on file formats must hold: who reads an artifact with h5py alone has nothing else to go by."""

from __future__ import annotations

import json

import h5py
import pytest
from formats_page import names, rows

from vqtext.pipeline.correcting.corrections import Correction, Corrections
from vqtext.schema import Cell, LabelWords, SubAction, SubActions

PLACES = {"file": SubActions, "label": LabelWords, "sub-action": SubAction, "cell": Cell}


@pytest.mark.parametrize("kind", ["windows", "descriptions", "texts", "anchors"])
def test_a_file_holds_the_datasets_that_the_page_says(described, kind):
    page = {names(cells[0])[0]: cells[1:] for cells in rows(f"{kind}.h5", "dataset")}
    with h5py.File(described / f"{kind}.h5") as file:
        found: dict[str, h5py.Dataset] = {}
        file.visititems(lambda name, one: found.update({name: one} if isinstance(one, h5py.Dataset) else {}))
        assert set(found) <= set(page), "every dataset stands on the page"
        missing = {name for name in set(page) - set(found) if not page[name][2].startswith("optional")}
        assert not missing
        sizes: dict[str, int] = {}
        for name, dataset in found.items():
            shape, dtype, _ = page[name]
            letters = shape.strip("()").split(", ")
            assert len(letters) == dataset.ndim, name
            for letter, size in zip(letters, dataset.shape, strict=True):
                letter, _, more = letter.partition("+")
                if not letter.isdecimal():
                    assert sizes.setdefault(letter, size - int(more or 0)) == size - int(more or 0), name
                else:
                    assert size == int(letter), name
            assert dtype == ("text" if dataset.dtype.kind == "S" else str(dataset.dtype)), name


@pytest.mark.parametrize("kind", ["windows", "descriptions", "texts", "anchors"])
def test_a_file_holds_the_attributes_that_the_page_says(described, kind):
    page = [name for cells in rows(f"{kind}.h5", "attribute") for name in names(cells[0])]
    shared = [name for cells in rows("What all HDF5 files share", "attribute") for name in names(cells[0])]
    with h5py.File(described / f"{kind}.h5") as file:
        assert set(file.attrs) == {*page, *shared}
        assert json.loads(file.attrs["vqtext_kind"]) == kind


def test_the_keys_of_corrections_are_those_of_the_page():
    for place, model in (("file", Corrections), ("correction", Correction)):
        keys = [n for keys, of, _ in rows("corrections.json", "key") if of == place for n in names(keys)]
        assert sorted(keys) == sorted(model.model_fields)


def test_the_keys_of_words_are_those_of_the_page():
    for place, model in PLACES.items():
        told = [
            n
            for keys, of, _ in rows("subactions.json", "key")
            if place in of.split(", ")
            for n in names(keys)
        ]
        assert sorted(told) == sorted(field.alias or name for name, field in model.model_fields.items()), (
            place
        )
