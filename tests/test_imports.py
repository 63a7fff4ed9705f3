"""Imports point one way: cli → commands → studio → console, pipeline → {data, prompts, cache, …}."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import vqtext

ROOT = Path(vqtext.__file__).parent

LEAVES = {"", "errors", "schema", "reason", "steps", "settings"}  # "" is vqtext/__init__.py
ROOMS = {"data", "prompts", "cache", "model", "report"}
MAY_IMPORT = {
    "": {"model", "pipeline", "plot"},  # vqtext.load, vqtext.prepare_frames and vqtext.plot, on demand
    "errors": set(),
    "schema": {"errors"},
    "reason": {"errors", "steps"},
    "steps": set(),
    "settings": {"", "settings", "errors"},
    **{room: {room} | LEAVES for room in ROOMS},
    "plot": {"plot", "report"} | LEAVES,
    "console": {"console", "settings", "errors"},
    "pipeline": {"pipeline", "console", "plot"} | ROOMS | LEAVES,
    "studio": {"studio", "pipeline", "console"} | ROOMS | LEAVES,
    "commands": {"commands", "studio", "pipeline", "console"} | LEAVES,
    "cli": {"commands", "console"} | LEAVES,
}
WITHIN = {
    "data": ["recordings", "readers", "windows", "splits", "features", "text", "own", "planted"],
    "model": ["vqshape", "hsmm", "guidance", "network", "grounding", "decoding", "training"],
    "pipeline": [
        *["executing", "llm", "encoders", "authors", "descriptions", "anchors", "vocabulary", "training"],
        *["evaluation", "inspection", "explaining", "searching", "preparing", "estimating", "sweeping"],
        *["figures"],
    ],
}
"""The rooms of a room: each may import those before it. What stands beside them is free of circles only."""
MOST_FILES, MOST_LINES = 16, 380
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
    """vqtext.model.decoding.decoder → model; vqtext itself, and a name in it such as __version__, → ""."""
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


def test_rooms_within_a_room_import_one_way():
    found = []
    for module, path in modules():
        _, house, own = [*module.split("."), "", ""][:3]
        order = WITHIN.get(house, [])
        for name in imports(path.read_text(encoding="utf-8"), module, path.name == "__init__.py"):
            _, to, room = [*name.split("."), "", ""][:3]
            if to == house and {own, room} <= set(order) and order.index(room) > order.index(own):
                found.append(f"{module} imports {name}")
    assert found == []


def test_no_circle():
    known = {module for module, _ in modules()}
    needs = {
        module: {
            name if name in known else name.rpartition(".")[0]
            for name in imports(path.read_text(encoding="utf-8"), module, path.name == "__init__.py")
            if name.startswith("vqtext.")
        }
        for module, path in modules()
        if module != "vqtext"  # hands out what the rooms below offer, on demand
    }
    order = list(TopologicalSorter(needs).static_order())  # raises CycleError, which names the circle
    assert set(needs) <= set(order)


def test_no_room_and_no_file_outgrows_its_size():
    rooms = Counter(path.parent for _, path in modules() if path.name != "__init__.py")
    assert [f"{room}: {count} files" for room, count in rooms.items() if count > MOST_FILES] == []
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for _, path in modules()}
    assert [f"{path}: {count} lines" for path, count in lengths.items() if count > MOST_LINES] == []


@pytest.mark.parametrize(("kind", "most"), [(ast.FunctionDef, 50), (ast.ClassDef, 200)])
def test_no_function_and_no_class_outgrows_its_size(kind: type[ast.FunctionDef | ast.ClassDef], most: int):
    """Cut it where an idea ends."""
    sizes = {
        f"{module}.{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for module, path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, kind)
    }
    assert {name: size for name, size in sizes.items() if size > most} == {}


def test_every_room_is_known():
    there = {path.stem for path in ROOT.glob("*.py")} | {
        path.parent.name for path in ROOT.glob("*/__init__.py")
    }
    assert there - {"__init__"} == set(MAY_IMPORT) - {""}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("vqtext.model.decoding.decoder", "from vqtext.pipeline.stage import run"),
        ("vqtext.model.decoding.decoder", "from vqtext import cache"),
        ("vqtext.model.decoding.decoder", "import vqtext.data.windows.windows as w"),
        ("vqtext.model.decoding.decoder", "from ...cache import hdf5"),
        ("vqtext.model.decoding.decoder", "def f():\n    from vqtext.cache.hdf5 import write"),
        (
            "vqtext.model.decoding.decoder",
            "if TYPE_CHECKING:\n    from vqtext.data.windows.windows import Windows",
        ),
        ("vqtext.model.decoding.decoder", "def f():\n    import transformers.models.clip"),
        (
            "vqtext.model.decoding.decoder",
            "try:\n    from openai import OpenAI\nexcept ImportError:\n    pass",
        ),
        ("vqtext.cache.hdf5", "from vqtext.schema import Channel\nfrom vqtext.data import windows"),
        ("vqtext.report.html", "import vqtext.console.output"),
        ("vqtext.pipeline.train", "from vqtext.cli import app"),
        ("vqtext.console.text", "from vqtext.pipeline.stage import run"),
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
            "vqtext.model.decoding.decoder",
            "import torch\nfrom .network import Network\nfrom vqtext.settings.schema import Settings",
        ),
        ("vqtext.pipeline.embed", "def f():\n    import transformers\n    from vqtext.cache import hdf5"),
        ("vqtext.cache.hdf5", "import vqtext\nfrom vqtext import __version__"),
        (
            "vqtext.commands.app",
            "from vqtext.pipeline.registry import STAGES\nfrom vqtext.settings.loading import fields",
        ),
    ],
)
def test_a_right_import_is_not(module, source):
    assert wrong(source, module) == []


def test_relative_imports_of_a_package():
    assert list(imports("from . import b\nfrom .c import d", "vqtext.data", True)) == [
        "vqtext.data.b",
        "vqtext.data.c.d",
    ]


HEAVY = [
    "torch",
    "lightning",
    "transformers",
    "sentence_transformers",
    "sklearn",
    "scipy",
    "aeon",
    "openai",
    "matplotlib",
]
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
        ("import vqtext; vqtext.plot.reason", [], ["h5py"]),
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
