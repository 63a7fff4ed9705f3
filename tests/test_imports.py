"""Imports point one way: cli → pipeline → {data, prompts, cache, model, report} → leaves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import vqtext

ROOT = Path(vqtext.__file__).parent

LEAVES = {"", "errors", "schema", "reason", "steps", "config"}  # "" is vqtext/__init__.py
ROOMS = {"data", "prompts", "cache", "model", "report"}
MAY_IMPORT = {
    "": {"model", "pipeline"},  # vqtext.load and vqtext.prepare_frames, on demand
    "errors": set(),
    "schema": {"errors"},
    "reason": {"errors", "steps"},
    "steps": set(),
    "presets": set(),
    "setting_types": set(),
    "config": {"errors", "presets", "setting_types"},
    "settings": {"", "config", "errors", "presets"},
    **{room: {room} | LEAVES for room in ROOMS},
    "pipeline": {"pipeline"} | ROOMS | LEAVES,
    "answers": {"pipeline"},
    "ending": {"pipeline", "errors"},
    "options": {"pipeline", "settings"},
    "cli": {"pipeline", "settings", "answers", "ending", "options"} | LEAVES,
}
TEXT_MODELS = {"openai", "transformers", "sentence_transformers"}
NEVER = {"model": TEXT_MODELS}


def imports(source: str, module: str, is_package: bool) -> Iterator[str]:
    """Absolute names of all modules that a source text imports, at any depth and for type checkers too."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            # `from vqtext import model` names the room in the alias
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def room_of(module: str) -> str:
    """vqtext.model.decoding → model; vqtext itself, and a name in it such as __version__, → ""."""
    part = [*module.split("."), ""][1]
    return part if part in MAY_IMPORT else ""


def wrong(source: str, module: str, is_package: bool = False) -> list[str]:
    """What a module imports and must not."""
    room = room_of(module)
    found = []
    for name in imports(source, module, is_package):
        if name.split(".")[0] == "vqtext":
            is_allowed = room_of(name) in MAY_IMPORT[room]
        else:
            is_allowed = name.split(".")[0] not in NEVER.get(room, set())
        if not is_allowed:
            found.append(f"{module} imports {name}")
    return found


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = ["vqtext", *path.relative_to(ROOT).with_suffix("").parts]
        yield ".".join(parts).removesuffix(".__init__"), path


def test_every_module_keeps_the_rules():
    found = [
        problem
        for module, path in modules()
        for problem in wrong(path.read_text(encoding="utf-8"), module, path.name == "__init__.py")
    ]
    assert found == []


def test_every_room_is_known():
    there = {path.stem for path in ROOT.glob("*.py")} | {
        path.parent.name for path in ROOT.glob("*/__init__.py")
    }
    assert there - {"__init__"} == set(MAY_IMPORT) - {""}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("vqtext.model.decoding", "from vqtext.pipeline.stage import run"),
        ("vqtext.model.decoding", "from vqtext import cache"),
        ("vqtext.model.decoding", "import vqtext.data.windows as w"),
        ("vqtext.model.decoding", "from ..cache import hdf5"),
        ("vqtext.model.decoding", "def f():\n    from vqtext.cache.hdf5 import write"),
        ("vqtext.model.decoding", "if TYPE_CHECKING:\n    from vqtext.data.windows import Windows"),
        ("vqtext.model.decoding", "def f():\n    import transformers.models.clip"),
        ("vqtext.model.decoding", "try:\n    from openai import OpenAI\nexcept ImportError:\n    pass"),
        ("vqtext.cache.hdf5", "from vqtext.schema import Channel\nfrom vqtext.data import windows"),
        ("vqtext.report.html", "import vqtext.settings"),
        ("vqtext.pipeline.train", "from vqtext.cli import app"),
        ("vqtext.pipeline.train", "from vqtext.settings import load_settings"),
        ("vqtext.cli", "from vqtext.model.load import load"),
        ("vqtext.errors", "from .schema import Channel"),
    ],
)
def test_a_wrong_import_is_found(module, source):
    assert len(wrong(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        (
            "vqtext.model.decoding",
            "import torch\nfrom .network import Network\nfrom vqtext.config import Settings",
        ),
        ("vqtext.pipeline.embed", "def f():\n    import transformers\n    from vqtext.cache import hdf5"),
        ("vqtext.cache.hdf5", "import vqtext\nfrom vqtext import __version__"),
        ("vqtext.cli", "from vqtext.pipeline.registry import STAGES\nfrom vqtext.settings import fields"),
    ],
)
def test_a_right_import_is_not(module, source):
    assert wrong(source, module) == []


def test_relative_imports_of_a_package():
    assert list(imports("from . import b\nfrom .c import d", "vqtext.data", True)) == [
        "vqtext.data.b",
        "vqtext.data.c.d",
    ]


HEAVY = ["torch", "lightning", "transformers", "sentence_transformers", "sklearn", "scipy", "aeon", "openai"]
TELL = """
import atexit, sys
def tell():
    print(*[name for name in {names} if name in sys.modules], file=sys.stderr)
atexit.register(tell)
"""


@pytest.mark.parametrize(
    ("code", "arguments", "also"),
    [
        ("import vqtext.cli", [], ["h5py", "numpy"]),
        ("import vqtext.cli; vqtext.cli.main()", ["--help"], ["h5py", "numpy"]),
        ("import vqtext.cli; vqtext.cli.main()", ["train", "--help"], ["h5py", "numpy"]),
        ("import vqtext.cli; vqtext.cli.main()", ["config", "--json"], ["h5py", "numpy"]),
        ("import vqtext.cli; vqtext.cli.main()", ["status"], []),
        ("from vqtext.pipeline.registry import STAGES; [entry.load() for entry in STAGES]", [], []),
    ],
)
def test_what_must_answer_at_once_imports_nothing_heavy(python, code, arguments, also):
    process = python(TELL.format(names=HEAVY + also) + code, *arguments)
    _, loaded = process.communicate()
    assert process.returncode == 0 and loaded == "\n"


def test_loading_a_model_imports_no_text_model(python):
    process = python(TELL.format(names=sorted(TEXT_MODELS)) + "import vqtext; vqtext.load")
    assert process.communicate()[1] == "\n" and process.returncode == 0
