"""The page as text: what it says, and that nothing it is given can break out of it."""

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
from watch_report import (
    BODY,
    LABELS,
    PHRASES,
    WATCH,
    make_code,
    make_reason,
    make_report,
    make_sample,
    make_signal,
)

from vqtext.reason import Carrier, Missing, Reason, RecordingReasons, Redrawn, Step, WhyNot
from vqtext.report.content import Confusion, Report, Score, Scores, ThresholdCurve
from vqtext.report.html import CODES, render

NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "a'b\"c\r\n../../etc",
    "걷기 🚶",
    "שלום עולם",
    "\u202eright to left",
    "half \ud800 and \x00 nothing",
    "x" * 3000,
)
VOID = {"meta", "br", "link", "input", "img", "path", "rect", "line", "circle"}


class Page(HTMLParser):
    """Collects what the tests ask about, and checks that elements are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data

    def ids(self) -> list[str]:
        return [value for name, value in self.attributes if name == "id"]


def test_the_page_says_what_it_was_given() -> None:
    text = render(make_report())
    page = Page(text)
    assert page.open == []
    heard = " ".join(page.words.split())
    for words in ("BasicMotions, in words", "0.950 ± 0.020", "wrong: it is running", "truth unknown"):
        assert words in heard
    for words in ("best validation accuracy", "train.epochs", "One wrist watch."):
        assert words in heard
    assert '<html lang="en">' in text


def test_what_is_inferred_is_told_in_words() -> None:
    words = " ".join(Page(render(make_report())).words.split())
    assert "shift the weight (by inference" in words


def test_the_runner_up_is_told_with_its_own_steps() -> None:
    other = Reason("running", 0.21, (Step("kick off", 0, 6, 0.4), Step("land", 6, 10, 0.4)))
    reason = replace(make_reason(), runner_up=other)
    text = render(make_report(samples=(make_sample(reason=reason),), shown_labels={"running": "달리기"}))
    card = text[text.index("<article") : text.index("</article>")]
    heard = " ".join(Page(card).words.split())
    assert "Also possible: 달리기, 0.21" in heard and "kick off" in heard
    assert "Also possible" not in Page(render(make_report())).words


def test_a_class_that_the_steps_did_not_decide_says_so() -> None:
    steps = (Step("leg up", 0, 6, 0.9),)
    reason = Reason("walking", 0.9, steps, same_steps=("strolling",), of_same=0.8)
    assert "strolling: the rest of the signal says so, 0.80" in render(
        make_report(samples=(make_sample(reason=reason),))
    )


def test_no_step_is_drawn_as_if_it_took_no_time() -> None:
    steps = (
        Step("wait", 0, 5, 0.9),
        Step("blink", 5, 5.02, 0.9),
        Step("go", 5.02, 10, 0.9),
    )
    text = render(make_report(samples=(make_sample(reason=Reason("walking", 0.9, steps)),)))
    assert "5.00–5.02 s" in text and "5.0–5.0 s" not in text


def test_a_code_that_is_unsure_is_unknown() -> None:
    unsure = make_code(0, name="unknown", sequence=("unknown",), confidence=0.2, agreement=0.1)
    text = render(make_report(samples=(), codebook=(unsure,)))
    heard = " ".join(Page(text).words.split())
    assert "<bdi>unknown</bdi>" in text and "sure 0.20" in heard and "agrees 0.10" in heard


def test_the_reason_is_an_ordered_list_and_a_table() -> None:
    text = render(make_report(samples=(make_sample(),)))
    lists = re.findall(r'<ol class="steps" start="(\d+)">(.*?)</ol>', text, re.S)
    assert [start for start, _ in lists] == ["1", "11"]
    assert sum(body.count("<li") for _, body in lists) == 16
    assert "6 more steps" in text
    assert text.count('<th scope="row"><bdi>swing the arm forward') == 6


def test_nothing_from_outside_and_one_known_script() -> None:
    text = render(make_report())
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)""", text)
    assert not re.search(r"url\((?!#)|@import|https?:", text)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text).group(1)
    assert policy.startswith("default-src 'none'")
    assert "script-src 'sha256-" in policy
    assert Page(text).tags.count("script") == 1


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_untrusted_text_stays_text(nasty: str) -> None:
    labels = (nasty, *LABELS[1:])
    step = Step(nasty, 0, 5, 0.9, True, display=nasty)
    reason = Reason(nasty, 0.5, (step, Step("rest", 5, 10, 0.9)))
    channels = tuple(replace(c, name=nasty, location=nasty, axis=nasty, unit=nasty) for c in WATCH)
    score = Scores(Score(0.5), Score(0.5))
    report = make_report(
        title=nasty,
        dataset=nasty,
        run=nasty,
        created=nasty,
        encoder=nasty,
        labels=labels,
        shown_labels={nasty: nasty},
        shown_names={"rest": nasty, nasty: nasty},
        scores={nasty: score},
        split=nasty,
        selection=nasty,
        confusion=Confusion(nasty, np.ones((4, 4), int)),
        samples=(make_sample(reason=reason, true_label=nasty, channels=channels),),
        recordings=(RecordingReasons(nasty, 10.0, (reason,)),),
        codebook=(make_code(name=nasty, sequence=(nasty, "rest"), runner_up=nasty, labels={nasty: 1.0}),),
        settings={nasty: {nasty: nasty}},
        versions={nasty: nasty},
        notes=(nasty,),
    )
    text = render(report)
    text.encode("utf-8")
    page = Page(text)
    plain = Page(render(make_report()))
    assert page.open == []
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert {name for name, _ in page.attributes} <= {name for name, _ in plain.attributes}
    assert all(re.fullmatch(r"[a-z-]+\d*", name) for name in page.ids())
    assert nasty not in NASTY[:3] or nasty in page.words


def test_people_read_their_own_language_and_find_the_english_beside_it() -> None:
    forward, back, shift = PHRASES
    steps = (
        Step(forward, 0, 3, 0.9, display="팔을 앞으로"),
        Step(back, 3, 6, 0.9, display="팔을 뒤로"),
        Step("rest", 6, 10, 0.9),
    )
    report = make_report(
        shown_labels={"walking": "걷기", "running": "달리기"},
        shown_names={forward: "손을 앞으로", shift: "몸을 옮긴다"},  # as other labels say it
        samples=(make_sample(reason=Reason("walking", 0.9, steps, "걷기"), true_label="running"),),
        codebook=(make_code(runner_up=shift),),
    )
    text = render(report)
    page = Page(text)
    heard = " ".join(page.words.split())
    card = text[text.index("<article") : text.index("</article>")]
    assert "걷기" in page.words and "wrong: it is 달리기" in heard and "read as 걷기 in 3 steps" in heard
    assert "팔을 앞으로 0.0 to 3.0 seconds, then 팔을 뒤로" in heard and "then rest 6.0" in heard
    assert "손을" not in card
    assert f'<bdi title="{forward}">팔을 앞으로</bdi>' in card
    assert f'title="1 · 팔을 앞으로 · {forward}"' in card
    assert f'<th scope="row"><bdi>팔을 앞으로</bdi><small><bdi>{forward}</bdi></small></th>' in card
    assert '<th scope="row"><bdi>rest</bdi></th>' in card and 'title="rest"' not in card
    atlas = text[text.index('id="codebook"') :]
    assert (
        f'<bdi title="{forward}">손을 앞으로</bdi>' in atlas
        and f'<bdi title="{shift}">몸을 옮긴다</bdi>' in atlas
    )
    assert '<bdi title="walking">걷기</bdi> 80 %' in atlas
    assert '<td><bdi title="walking">걷기</bdi></td>' in atlas, "among the mistakes"
    choices = re.findall(r"<option[^>]*>([^<]*)</option>", text)
    assert {"걷기", "달리기", "손을 앞으로", "standing"} <= {*choices} and "walking" not in choices


def test_ids_are_unique_and_every_reference_holds() -> None:
    page = Page(render(make_report()))
    ids = page.ids()
    assert len(ids) == len(set(ids))
    wanted = {value for name, value in page.attributes if name == "aria-labelledby"}
    wanted |= {m for _, value in page.attributes for m in re.findall(r"^url\(#(\w+)\)$", value)}
    wanted |= {value[1:] for name, value in page.attributes if name == "href"}
    assert wanted <= set(ids)


def test_a_recording_is_shown_from_end_to_end() -> None:
    """Without it a user sees a few passages, and neither the rest of the day nor its gaps."""
    steps = [Step(f"step {i}", 10.0 * i, 10.0 * (i + 1), 0.9) for i in range(30) if i != 4]
    reasons = tuple(Reason(LABELS[i // 2 % 4], 0.8, (step,)) for i, step in enumerate(steps))
    said = RecordingReasons("night.csv", 300.0, reasons)
    report = make_report(
        recordings=(said,),
        samples=(make_sample(0, None, start_s=50.0),),
        scores={},
        codebook=(),
        confusion=None,
        threshold=None,
    )
    text = render(report)
    page = Page(text)
    heard = " ".join(page.words.split())
    assert page.open == [] and len(page.ids()) == len(set(page.ids()))
    assert "night.csv , 300.0 s" in heard.replace("night.csv,", "night.csv ,")
    assert "Codebook" not in heard
    assert "from 50.0 s" in heard and "window 0" not in heard
    stretches = said.stretches
    assert (stretches[0].start_s, stretches[0].end_s, stretches[0].label) == (0, 20, LABELS[0])
    assert said.silent == [(40.0, 50.0)], "and a class does not run on across it"
    whole = text[text.index('id="recordings"') : text.index('class="filter"')]
    drawn = re.findall(r'class="band[^"]*" data-name="(\d+)" style="left:([\d.]+)%;width:([\d.]+)%', whole)
    assert len(drawn) == len(stretches) and drawn[0][1:] == ("0.0", "6.67")
    patterns = {value for name, value in page.attributes if name == "id"}
    assert {f"b{name}" for name, _, _ in drawn} <= patterns, "each class has a look"
    assert len(re.findall(r"<tr data-name", whole)) == len(stretches)


def test_headings_are_in_order() -> None:
    for report in (make_report(), make_report(samples=(), codebook=(), threshold=None)):
        levels = [int(tag[1]) for tag in Page(render(report)).tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(b <= a + 1 for a, b in pairwise(levels))


def test_the_threshold_curve_marks_what_was_chosen() -> None:
    curve = ThresholdCurve(np.array([0.5, 0.8615, 1.0]), np.array([20, 26, 30]), 0.8615, 26)
    text = render(make_report(threshold=curve))
    assert "Chosen: 0.8615" in Page(text).words, "as a person would type it again"
    (drawn,) = re.findall(r'<div class="signal curve".*?</figure>', text, re.DOTALL)
    assert 'class="chosen" cx="72.3%" cy="19.75%"' in drawn
    rows = re.findall(r'<td class="n">([\d.]+)</td><td class="n">(\d+)</td>', drawn)
    assert rows == [("0.5", "20"), ("0.8615", "26"), ("1", "30")], "the same for those who cannot see it"


def test_an_empty_report() -> None:
    page = Page(render(Report("t", "d", "r", "now", "e", ())))
    assert page.open == []
    assert "windows" in page.words and "codebook" in page.words


def test_one_seed_has_no_spread() -> None:
    text = render(make_report(seeds=(0,), scores={"tokens": Scores(Score(0.9), Score(float("nan")))}))
    assert "±" not in Page(text).words
    assert "nan" not in Page(text).words.lower()


def test_only_used_codes_are_drawn_the_most_used_first() -> None:
    text = render(make_report())
    order = [int(i) for i in re.findall(r'<figcaption id="c(\d+)"', text)]
    assert order == list(range(40))
    words = " ".join(Page(text).words.split())
    assert "40 of 64 codes" in words
    assert f"{40 - CODES} more codes" in words
    unused = make_report(codebook=tuple(make_code(i, usage=0) for i in range(8)))
    assert "None of the 8 codes" in Page(render(unused)).words


def test_many_channels_names_and_codes_stay_light() -> None:
    rng = np.random.default_rng(0)
    names = tuple(f"name {i}" for i in range(30))
    reason = make_reason(phrases=names, steps=30)
    samples = tuple(
        make_sample(i, signal=rng.normal(size=(45, 125)), channels=BODY, reason=reason) for i in range(8)
    )
    codes = tuple(make_code(i, shape=rng.normal(size=(45, 16)), channels=BODY) for i in range(512))
    text = render(make_report(samples=samples, codebook=codes))
    assert len(text) < 5_000_000
    assert "4 of 15 sensors" in text


def test_no_heavy_import() -> None:
    code = "import sys, vqtext.report.html; print({'torch', 'scipy', 'h5py', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_which_place_carried_a_step_and_why_it_is_not_another_class() -> None:
    carried = Carrier("wrist", ("acc x", "acc y", "acc z"), 1.5, 0.2, 0.5)
    faint = Carrier("wrist", ("gyro x",), 0.01, 0.2, 0.5)
    reason = make_reason()
    steps = (replace(reason.steps[0], places=(carried, faint)), *reason.steps[1:])
    lacked = Missing("reach up", 1.0, 2.0, "shift the weight", 4.1, there_s=0.8)
    drawn = Redrawn(1.0, 2.0, ("reach up",), "running", 0.9, make_signal() + 1)
    sample = make_sample(
        reason=replace(reason, steps=steps),
        why_not=WhyNot("running", 6.2, (lacked,), 0.5),
        redrawn=drawn,
    )
    text = render(make_report(samples=(sample,)))
    heard = " ".join(Page(text).words.split())
    assert text.count('class="shade"') == 1 and "carried by wrist, 1.50 nats" in heard
    assert "by wrist" in heard and text.count('class="trace redrawn"') == 6
    assert "Why not running?" in heard and "then it is read as running (0.90)" in heard
    assert '"reach up" would have had to last 0.2 s longer, not "shift the weight" (4.1 nats)' in heard
    plain = render(make_report(samples=(make_sample(),)))
    assert 'class="shade"' not in plain and "Why not" not in plain
