"""``vqtext describe``: windows.h5 → descriptions.h5, signal to text.

descriptions.h5 holds, for N windows in S segments at L locations (its attribute "locations"):

- ``text (n,)``: the descriptions, each once; ``index (N,)``: which of them is whose;
  ``source (N,)``: who wrote it, a place in the attribute "sources".
- ``segment/text (m,)``: what was said of single segments, each text once; ``segment/index (N, S)``: which of
  them is whose, −1 without a sample.
- ``border_s (S + 1,)``: borders of the segments, in seconds from the start of a window.
- ``level (N, S, L)``: motion of each place in each segment, 0 still, 1 slight, 2 moderate, 3 strong, −1
  without a sample; ``height (N, S, L)``: the same before rounding, NaN without a sample.
- ``turn_deg (N, S)``: degrees turned about the vertical, to the left where positive; NaN where unknown.
- ``peak_rad_s (N, L)``, ``peak_m_s2 (N, L)``: largest rotation and acceleration; NaN without such a sensor.
  Where the data have them, more of `vqtext.data.features.facts.PEAKS`: ``peak_m_s``, ``peak_angle_rad_s``, …
- ``cadence_hz (N, L)``: movements a second where a place has a clear rhythm, else NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.cache import hdf5
from vqtext.cache.fingerprint import JSON
from vqtext.console.progress import Tell
from vqtext.data.features.facts import PEAKS, Facts
from vqtext.data.windows.windows import BLOCK, Windows
from vqtext.errors import ArtifactError, LLMError
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.descriptions.measured import Block, Measure, Measured
from vqtext.pipeline.descriptions.template import describe_segments
from vqtext.pipeline.executing.choice import choose
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import Record, Stage

if TYPE_CHECKING:
    from vqtext.pipeline.descriptions.llm_description import Description
    from vqtext.pipeline.llm.question import Question

SOURCES = ("template", "llm")
JOURNAL = "journal.sqlite"

_GOLDEN = (5**0.5 - 1) / 2  # its multiples, round a circle, are spread evenly however many they are


class Describe(Stage):
    """Say in words what the sensors of each window did. No label stands in a description or in a prompt.

    A language model gets one question a window, of the window's facts; windows it is not asked about, or for
    which it gives no usable description, have their template text.
    """

    command = "describe"
    version = 3

    @property
    def target(self) -> Path:
        return self.settings.cache / "descriptions.h5"

    def sources(self) -> Sequence[Stage]:
        return (Prepare(self.settings, self.progress),)

    def options(self) -> JSON:
        said = self.settings.describe
        if said.source == "template":
            return {"source": said.source, "segments": said.segments}
        from vqtext.pipeline.descriptions.llm_description import TEMPLATE
        from vqtext.pipeline.llm.server import find_server
        from vqtext.prompts.render import templates_digest

        server = find_server(self.settings.llm)
        asked = {"model": server.model, "base_url": server.url, "template": templates_digest(TEMPLATE)}
        return {**said.model_dump(mode="json"), **asked}

    def ensure_inputs(self) -> None:
        if unread := self.unread_because():
            self.progress.say(unread)

    def unread_because(self) -> str | None:
        if self.settings.reads_descriptions:
            return None
        return (
            f"training reads no descriptions: guidance.source is {self.settings.guidance.source}, not "
            "description or both, and train.grounding has no +text"
        )

    def may_make_unasked(self) -> bool:
        """Not where a model is asked, which costs money, and not over the texts that one was asked for."""
        if self.settings.describe.source == "llm":
            return False
        try:
            made = self.record().provenance
        except ArtifactError:
            return True
        return made is None or not isinstance(made.options, dict) or made.options.get("source") != "llm"

    def renewed_with(self, record: Record) -> str | None:
        """Texts that a model was paid for do not make room for the template's because a message said so."""
        options = record.provenance.options if record.provenance else None
        by_model = isinstance(options, dict) and options.get("source") == "llm"
        return "--source llm" if by_model else None

    def make(self, target: Path) -> None:
        with self.progress.bar("describing windows") as tell:
            windows, found, rhythm, written = self._measured(tell)
        source = np.zeros(windows.n, dtype=np.int8)
        of_segment, which = describe_segments(found, windows.rate_hz)
        models: set[str] = set()
        if self.settings.describe.source == "llm":
            models = self._ask(windows, found, rhythm, written, source, of_segment, which)
        used, which = _used(which)
        texts: dict[str, int] = {}
        index = [texts.setdefault(text, len(texts)) for text in written]
        arrays: dict[str, np.ndarray | Sequence[str]] = {
            "text": list(texts),
            "index": np.array(index, dtype=np.int32),
            "source": source,
            "segment/text": [of_segment[text] for text in used],
            "segment/index": which.astype(np.int32),
            "border_s": found.border / windows.rate_hz,
            "level": found.level,
            "height": found.height,
            "turn_deg": found.turn.astype(np.float32),
            **{PEAKS[name][2]: largest for name, largest in found.peak.items()},
            "cadence_hz": rhythm,
        }
        attrs = {"locations": found.locations, "sources": SOURCES, "models": sorted(models)}
        hdf5.write(target, "descriptions", arrays, attrs, self.recipe())

    def summary(self) -> dict[str, Any]:
        with hdf5.open_artifact(self.target, "descriptions") as file:
            counts = np.bincount(file["source"], minlength=len(SOURCES)).tolist()
            told = {
                "windows": len(file["index"]),
                "texts": int(file["index"].max(initial=-1)) + 1,
                "segments": len(file["border_s"]) - 1,
                "locations": file.attrs["locations"],
                "written_by": dict(zip(file.attrs["sources"], counts, strict=True)),
            }
            return told | ({"models": file.attrs["models"]} if file.attrs["models"] else {})

    def plan(self) -> dict[str, Any]:
        """What would be asked, for ``--dry-run``: nothing is sent, no key is needed, nothing is written.

        Raises:
            ArtifactError: there are no windows yet.
        """
        from vqtext.pipeline.descriptions.llm_description import REPLY_TOKENS
        from vqtext.pipeline.llm.estimate import estimate
        from vqtext.pipeline.llm.server import address

        questions, url = [], None
        if self.settings.describe.source == "llm":
            url = address(self.settings.llm)
            windows, found, rhythm, _ = self._measured()
            questions = [question for question, _ in self._questions(windows, found, rhythm)]
        return {
            "source": self.settings.describe.source,
            "model": self.settings.llm.model,
            "base_url": url,
            **asdict(estimate(questions)),
            "reply_tokens": REPLY_TOKENS * len(questions),
            "prompts": [message for question in questions[:1] for message in question.messages()],
        }

    def plan_lines(self, plan: Mapping[str, Any]) -> list[str]:
        """A plan for people."""
        from vqtext.pipeline.llm.estimate import plan_lines

        wanted = ", one for each window to describe; windows of equal facts share one"
        return plan_lines(plan, wanted, "the first prompt")

    def _questions(
        self, windows: Windows, found: Facts, rhythm: np.ndarray
    ) -> list[tuple[Question[Description], list[int]]]:
        """A question for each window that a model describes, with the windows it is for: those of equal facts
        share one. ``limit`` of them are spread over all windows, so that no recording has none or all. A
        higher limit adds windows to those of a lower one, which are paid for."""
        from vqtext.pipeline.descriptions.fact_sheet import sheet
        from vqtext.pipeline.descriptions.llm_description import question

        count = min(self.settings.describe.limit or windows.n, windows.n)
        asked: dict[str, tuple[Question[Description], list[int]]] = {}
        spread = np.argsort(np.arange(windows.n) * _GOLDEN % 1, kind="stable")
        for i in sorted(spread[:count].tolist()):
            if not (found.level[i] >= 0).any():
                continue  # there is nothing to tell, and the template says so
            facts_of_window = sheet(windows, found, rhythm, i)
            if facts_of_window.text not in asked:
                asked[facts_of_window.text] = question(f"window {i}", facts_of_window, windows.labels), []
            asked[facts_of_window.text][1].append(i)
        return list(asked.values())

    def _ask(
        self,
        windows: Windows,
        found: Facts,
        rhythm: np.ndarray,
        written: list[str],
        source: np.ndarray,
        of_segment: list[str],
        which: np.ndarray,
    ) -> set[str]:
        """Replace the texts and sources of windows, and the sentences of their segments, by what a model says
        of them; returns who that was. A reply without sentences for the segments leaves the template's.

        Raises:
            LLMError: no window can be described: no server, no key, no such model, no good reply at all.
        """
        from vqtext.pipeline.descriptions.fact_sheet import alike
        from vqtext.pipeline.descriptions.llm_description import plain
        from vqtext.pipeline.llm.ask import ask_all
        from vqtext.pipeline.llm.question import Failure

        asked = self._questions(windows, found, rhythm)
        ask = partial(
            ask_all, llm=self.settings.llm, journal=self.settings.cache / JOURNAL, progress=self.progress
        )
        outcomes = ask([question for question, _ in asked])
        failed = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, Failure)]
        if failed and self.forced:  # the journal would only say the same again
            again = ask([asked[i][0] for i in failed], refresh=range(len(failed)))
            outcomes = [dict(zip(failed, again, strict=True)).get(i, old) for i, old in enumerate(outcomes)]
        models: set[str] = set()
        failures: list[str] = []
        place = {text: i for i, text in enumerate(of_segment)}
        for (_, members), outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, Failure):
                failures += [f"{outcome.about}: {outcome.reason}"] * len(members)
                continue
            models.add(outcome.model)
            source[members] = SOURCES.index("llm")
            for i in members:
                written[i] = plain(outcome.value.description)
                if outcome.value.stretches:
                    told = zip(alike(found.level[i]), outcome.value.stretches, strict=True)
                    for (first, last), sentence in told:
                        which[i, first:last] = place.setdefault(plain(sentence), len(place))
        of_segment[:] = place
        total = sum(len(members) for _, members in asked)
        if failures and not models:
            raise LLMError(
                f"none of {total} windows could be described ({failures[0]}): `vqtext describe --source llm "
                "--force` asks once more; nothing was changed"
            )
        if failures:
            self.progress.warn(
                f"{len(failures)} of {total} windows keep their template "
                f"text ({failures[0]}): `vqtext describe --source llm --force` asks for these alone once more"
            )
        return models

    def _measured(self, tell: Tell | None = None) -> tuple[Windows, Facts, np.ndarray, list[str]]:
        """The windows, their facts, the rhythm of each place over the whole window, ``(N, L)``, and, where
        somebody is told how far it is, the template's descriptions."""
        content = Prepare(self.settings, self.progress).check().content
        path = self.settings.cache / "windows.h5"
        windows = read_windows(path)
        blocks = [Block(at, min(at + BLOCK, windows.n)) for at in range(0, windows.n, BLOCK)]
        measure = Measure(path, content, self.settings.describe.segments, tell is not None, windows)
        parts: list[Measured] = []
        done = choose(self.settings).map(measure, blocks)
        with closing(done):
            for block, part in zip(blocks, done, strict=True):
                parts.append(part)
                if tell is not None:
                    tell(block.stop, windows.n, {})
        written = [text for part in parts for text in part.text]
        found = Facts.join([part.facts for part in parts])
        return windows, found, np.concatenate([part.rhythm for part in parts]), written


def _used(index: np.ndarray) -> tuple[list[int], np.ndarray]:
    """The texts that an index with −1 for none points at, and the same index into these alone."""
    used, place = np.unique(np.append(index, -1), return_inverse=True)
    return used[1:].tolist(), place[:-1].reshape(index.shape) - 1
