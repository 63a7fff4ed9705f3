"""The built-in lexicon: every file of it keeps the rules of its README, and labels are found as promised."""

import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from vqtext.data.locations import best_cell, canonical, sensed
from vqtext.errors import WordsError
from vqtext.prompts import lexicon as module
from vqtext.prompts.lexicon import lexicon, lexicon_digest
from vqtext.schema import LabelWords


def every_label() -> Iterator[tuple[str, LabelWords]]:
    for dataset, entries in module._label_files().items():
        for words, _ in entries.values():
            yield dataset, words


LABELS = [pytest.param(d, words, id=f"{d}-{words.label}") for d, words in every_label()]


def normal(text: str) -> str:
    return " ".join(text.casefold().split())


@pytest.mark.parametrize(("dataset", "words"), LABELS)
def test_a_label_is_complete(dataset: str, words: LabelWords) -> None:
    assert words.keyword and words.sentence
    assert words.paraphrases is not None and len({normal(p) for p in words.paraphrases}) == 3
    assert (6 if words.cyclic else 2) <= len(words.subactions) <= 12, "a held label has few steps"
    phrases = [normal(s.phrase) for s in words.subactions]
    assert len(set(phrases)) == len(phrases), "a phrase stands twice in a label"
    forbidden = {normal(words.label), normal(words.keyword)}
    assert not forbidden & set(phrases), "a phrase repeats the label"


@pytest.mark.parametrize(("dataset", "words"), LABELS)
def test_its_steps_are_complete(dataset: str, words: LabelWords) -> None:
    for step in words.subactions:
        where = f"{words.label}: {step.phrase}"
        assert step.opposite and normal(step.opposite) != normal(step.phrase), where
        assert step.paraphrases is not None, where
        assert len({normal(p) for p in [step.phrase, step.opposite, *step.paraphrases]}) == 5, where
        assert step.body_part and step.side and step.direction, where
        assert 3 <= len(step.phrase.split()) <= 8, where
        assert step.phrase == step.phrase.strip().rstrip("."), where
        named = set(re.findall(r"\b(left|right|both)\b", re.sub(r"turns? (left|right)", "", step.phrase)))
        assert not named or step.side in named, f"{where}: the side is {step.side}"
        assert step.signature, where
        for location, cell in step.signature.items():
            assert canonical(location) == location, f"{where}: {location} is not canonical"
            assert cell.motion is not None, f"{where}: {location} says nothing"


HELD = ("sit", "stand", "lying", "lie", "lay", "elevator", "watching")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(words, id=f"{dataset}-{words.label}")
        for dataset, words in every_label()
        if dataset not in ("gait", "basic_motions") and words.label.casefold().startswith(HELD)
    ],
)
def test_a_held_label_is_told_by_its_postures(words: LabelWords) -> None:
    """Sitting, standing and lying were the same still steps and the same fidgets."""
    cells = [
        {(place, c.motion, c.direction, c.posture) for place, c in (step.signature or {}).items()}
        for step in words.subactions
    ]
    assert all(one not in cells[:i] for i, one in enumerate(cells)), "two steps are the same"
    first = [posture for _, _, _, posture in cells[0] if posture is not None]
    assert len(first) > 2, "where and how it is held"


def test_every_movement_is_used() -> None:
    used = {step.phrase for _, words in every_label() for step in words.subactions}
    assert {m.phrase for m in module._movements().values()} == used


def test_no_opposite_is_a_paraphrase_of_the_same_movement_elsewhere() -> None:
    """A movement that is another's opposite must not be its synonym, or contrast would push both ways."""
    movements = {normal(m.phrase): m for m in module._movements().values()}
    for movement in movements.values():
        other = movements.get(normal(movement.opposite or ""))
        if other is not None:
            assert normal(movement.phrase) not in map(normal, other.paraphrases or [])


def test_spellings_of_a_file_are_unique() -> None:
    for dataset, entries in module._label_files().items():
        spellings = [
            module._key(s) for label, (_, e) in entries.items() for s in {label, *e.aliases, *e.codes}
        ]
        assert len(spellings) == len(set(spellings)), dataset


@pytest.mark.parametrize(
    ("dataset", "locations"), [("basic_motions", ["wrist"]), ("racket_sports", ["wrist"])]
)
def test_a_wrist_is_not_made_to_know_more(dataset: str, locations: list[str]) -> None:
    """At most two inferred steps a label, none where a stroke is all about the arm."""
    for words in (w for d, w in every_label() if d == dataset):
        inferred = [s.phrase for s in words.subactions if not sensed(locations, s.body_part, s.side)]
        assert len(inferred) <= (0 if dataset == "racket_sports" or words.label == "badminton" else 2), (
            inferred
        )
        for step in words.subactions:
            assert step.side == "none" and set(step.signature or ()) == {"wrist"}


def test_natops_names_only_what_its_sensors_see() -> None:
    locations = [f"{s} {p}" for s in ("left", "right") for p in ("hand tip", "thumb", "wrist", "elbow")]
    for words in (w for d, w in every_label() if d == "natops"):
        assert all(sensed(locations, s.body_part, s.side) for s in words.subactions)


def test_a_sensor_above_the_knee_is_not_told_what_a_foot_does() -> None:
    """Else the knees of DSADS, which are still while a foot pushes off, are sought where they are fastest."""
    for words, _ in module._label_files()["dsads"].values():
        if not any("knee" in step.phrase for step in words.subactions):
            continue
        for step in words.subactions:
            signature = step.signature or {}
            levels = [place for place, cell in signature.items() if cell.motion]
            ways = [place for place, cell in signature.items() if cell.direction]
            for knee in ("left knee", "right knee"):
                level, way = best_cell(knee, levels), best_cell(knee, ways)
                felt = way is not None and signature[way].direction in ("up", "down")
                read = {level} | ({way} if felt else set())
                assert not any("foot" in place for place in read if place), f"{words.label}, {step.phrase}"


def test_labels_come_as_spelled_and_in_order() -> None:
    words = lexicon("BasicMotions", ["Walking", "STANDING"])
    assert [w.label for w in words.labels] == ["Walking", "STANDING"]
    assert words.provider == "builtin" and words.language == "en" and words.model is None
    squash = lexicon("racket_sports", ["squash-forehand boast", "Badminton_Clear"]).labels
    assert [w.keyword for w in squash] == ["squash forehand boast", "badminton clear"]


def test_codes_mean_something_in_their_own_data_set_only() -> None:
    assert [w.keyword for w in lexicon("natops", ["1.0", "6.0"]).labels] == ["I have command", "lock wings"]
    with pytest.raises(WordsError, match=r"'1\.0'"):
        lexicon("something else", ["1.0"])


def test_a_use_overrides_the_movement() -> None:
    """In quiet standing the hips sway less than the movement by itself says."""
    (stand,) = lexicon("gait", ["stand"]).labels
    step = next(s for s in stand.subactions if s.phrase == "sway the hips leftward")
    text = resources.files("vqtext.prompts").joinpath("lexicon/movements/trunk.toml").read_text("utf-8")
    own = tomllib.loads(text)[step.phrase]
    assert step.opposite == own["opposite"] and step.signature is not None
    assert step.signature["lower back"].motion == "slight"
    assert "slight" not in str(own["signature"])


def test_other_data_sets_help_out_and_preference_chooses() -> None:
    label = lexicon("my recordings", ["walking"]).labels[0]
    assert label.label == "walking"

    def few(words: LabelWords) -> float:
        return -len(words.subactions)

    chosen = lexicon("my recordings", ["walking"], prefer=few).labels[0]
    assert len(chosen.subactions) <= len(label.subactions)


def test_unknown_labels_are_all_named_in_one_line() -> None:
    with pytest.raises(WordsError) as caught:
        lexicon("basic_motions", ["walking", "moon\nwalk", "점프", "../etc"], path="here/subactions.json")
    message = str(caught.value)
    assert "'moon\\nwalk', '점프', '../etc'" in message and "\n" not in message
    assert "--provider openai" in message and "here/subactions.json" in message and "walking'" not in message


@pytest.fixture
def lexicon_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty lexicon in place of the shipped one."""
    for folder in ("movements", "labels"):
        (tmp_path / "lexicon" / folder).mkdir(parents=True)
    monkeypatch.setattr(module.resources, "files", lambda _: tmp_path)
    caches = (module._movements, module._label_files)
    for cached in caches:
        cached.cache_clear()
    yield tmp_path / "lexicon"
    for cached in caches:
        cached.cache_clear()


LABEL = '[hop]\nkeyword = "hop"\nsentence = "s"\nparaphrases = []\ncyclic = true\nsteps = [{}]\n'


@pytest.mark.parametrize(
    ("movements", "label", "expected"),
    [
        (["['leg up']", "['Leg  up']"], LABEL.format("'leg up'"), "m1.toml: 'Leg  up'"),
        (
            ["['leg up']"],
            LABEL.format("'leg down'"),
            r"own.toml, \[hop\]: .*'leg down'",
        ),
        (["['leg up']\nside = 'middle'"], LABEL.format("'leg up'"), r"m0.toml, \['leg up'\]: side"),
        (["['leg up']\nspeed = 3"], LABEL.format("'leg up'"), r"m0.toml, \['leg up'\]: speed"),
        (["['leg up']"], LABEL.format("{phrase = 'leg up', side = 3}"), r"own.toml, \[hop\]: side"),
        (["['leg up']"], "[hop]\nkeyword = 'hop'", r"own.toml, \[hop\]: sentence"),
        (["['leg up'"], LABEL.format("'leg up'"), "m0.toml: "),
    ],
)
def test_a_broken_lexicon_says_where(
    lexicon_folder: Path, movements: list[str], label: str, expected: str
) -> None:
    for i, text in enumerate(movements):
        (lexicon_folder / "movements" / f"m{i}.toml").write_text(text, encoding="utf-8")
    (lexicon_folder / "labels" / "own.toml").write_text(label, encoding="utf-8")
    with pytest.raises(WordsError, match=expected):
        lexicon("own", ["hop"])


def test_the_digest_follows_the_files(lexicon_folder: Path) -> None:
    before = lexicon_digest()
    (lexicon_folder / "movements" / "m.toml").write_text("['leg up']", encoding="utf-8")
    assert lexicon_digest() != before
