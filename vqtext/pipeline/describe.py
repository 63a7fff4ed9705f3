"""``vqtext describe``: windows.h5 → descriptions.h5, signal to text (docs/reference/formats.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.cache import hdf5
from vqtext.cache.fingerprint import JSON
from vqtext.console.progress import Tell
from vqtext.data.features.facts import PEAKS, Facts
from vqtext.data.windows.windows import BLOCK, Windows
from vqtext.errors import ArtifactError, LLMError
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.descriptions.measured import SOURCES, Block, Measure, Measured, Texts
from vqtext.pipeline.descriptions.template import describe_segments
from vqtext.pipeline.executing.choice import choose
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import Record, Stage

JOURNAL = "journal.sqlite"


class Describe(Stage):
    """Say in words what the sensors of each window did. No label stands in a description or in a prompt.

    A language model gets one question a window, of the window's facts; windows it is not asked about, or for
    which it gives no usable description, have their template text.
    """

    command = "describe"
    artifact = "descriptions.h5"
    version = 3
    reads = (Prepare,)

    def options(self) -> JSON:
        describe = self.settings.describe
        if describe.source == "template":
            return {"source": describe.source, "segments": describe.segments}
        from vqtext.pipeline.descriptions.llm_description import TEMPLATE
        from vqtext.pipeline.llm.server import find_server
        from vqtext.prompts.render import templates_digest

        server = find_server(self.settings.llm)
        of_model = {"model": server.model, "base_url": server.url, "template": templates_digest(TEMPLATE)}
        return {**describe.model_dump(mode="json"), **of_model}

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
            return not _is_by_model(self.record())
        except ArtifactError:
            return True

    def renewed_with(self, record: Record) -> str | None:
        """Texts that a model was paid for are not replaced by the template's in passing."""
        return "--source llm" if _is_by_model(record) else None

    def make(self, target: Path) -> None:
        with self.progress.bar("describing windows") as tell:
            windows, facts, rhythm, of_window = self._measured(tell)
        sentences, of_segment = describe_segments(facts, windows.rate_hz)
        texts = Texts(of_window, np.zeros(windows.n, dtype=np.int8), sentences, of_segment)
        models: set[str] = set()
        if self.settings.describe.source == "llm":
            models = self._ask(windows, facts, rhythm, texts)
        used, of_segment = _used(texts.of_segment)
        place: dict[str, int] = {}
        index = [place.setdefault(text, len(place)) for text in texts.of_window]
        arrays: dict[str, np.ndarray | Sequence[str]] = {
            "text": list(place),
            "index": np.array(index, dtype=np.int32),
            "source": texts.source,
            "segment/text": [texts.sentences[i] for i in used],
            "segment/index": of_segment.astype(np.int32),
            "border_s": facts.border / windows.rate_hz,
            "level": facts.level,
            "height": facts.height,
            "turn_deg": facts.turn.astype(np.float32),
            **{PEAKS[name][2]: largest for name, largest in facts.peak.items()},
            "cadence_hz": rhythm,
        }
        attrs = {"locations": facts.locations, "sources": SOURCES, "models": sorted(models)}
        hdf5.write(target, "descriptions", arrays, attrs, self.recipe())

    def summary(self) -> dict[str, Any]:
        with hdf5.open_artifact(self.target, "descriptions") as file:
            counts = np.bincount(file["source"], minlength=len(SOURCES)).tolist()
            answer = {
                "windows": len(file["index"]),
                "texts": int(file["index"].max(initial=-1)) + 1,
                "segments": len(file["border_s"]) - 1,
                "locations": file.attrs["locations"],
                "written_by": dict(zip(file.attrs["sources"], counts, strict=True)),
            }
            return answer | ({"models": file.attrs["models"]} if file.attrs["models"] else {})

    def plan(self) -> dict[str, Any]:
        """What would be asked, for ``--dry-run``: nothing is sent, no key is needed, nothing is written.

        Raises:
            ArtifactError: there are no windows yet.
        """
        from vqtext.pipeline.descriptions.by_model import questions
        from vqtext.pipeline.descriptions.llm_description import REPLY_TOKENS
        from vqtext.pipeline.llm.estimate import estimate
        from vqtext.pipeline.llm.server import address

        describe, asked, url = self.settings.describe, [], None
        if describe.source == "llm":
            url = address(self.settings.llm)
            windows, facts, rhythm, _ = self._measured()
            asked = [one.question for one in questions(windows, facts, rhythm, describe.limit)]
        return {
            "source": describe.source,
            "model": self.settings.llm.model,
            "base_url": url,
            **asdict(estimate(asked)),
            "reply_tokens": REPLY_TOKENS * len(asked),
            "prompts": [message for question in asked[:1] for message in question.messages()],
        }

    def plan_lines(self, plan: Mapping[str, Any]) -> list[str]:
        """A plan for people."""
        from vqtext.pipeline.llm.estimate import plan_lines

        purpose = ", one for each window to describe; windows of equal facts share one"
        return plan_lines(plan, purpose, "the first prompt")

    def _ask(self, windows: Windows, facts: Facts, rhythm: np.ndarray, texts: Texts) -> set[str]:
        """Have a model describe windows, and put its replies into ``texts``; returns the models that replied.

        Raises:
            LLMError: no window can be described: no server, no key, no such model, no good reply at all.
        """
        from vqtext.pipeline.descriptions.by_model import questions, replace_texts
        from vqtext.pipeline.llm.ask import ask_all
        from vqtext.pipeline.llm.question import Failure

        asked = questions(windows, facts, rhythm, self.settings.describe.limit)
        ask = partial(
            ask_all, llm=self.settings.llm, journal=self.settings.cache / JOURNAL, progress=self.progress
        )
        outcomes = ask([one.question for one in asked])
        failed = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, Failure)]
        if failed and self.forced:  # the journal would only say the same again
            again = ask([asked[i].question for i in failed], refresh=range(len(failed)))
            for i, outcome in zip(failed, again, strict=True):
                outcomes[i] = outcome
        models, failures = replace_texts(texts, facts, zip(asked, outcomes, strict=True))
        total = sum(len(one.windows) for one in asked)
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
        """The windows, their facts, the rhythm of each place over the whole window, ``(N, L)``, and the
        template's descriptions, which are made only where ``tell`` is given."""
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
        texts = [text for part in parts for text in part.text]
        facts = Facts.join([part.facts for part in parts])
        return windows, facts, np.concatenate([part.rhythm for part in parts]), texts


def _is_by_model(record: Record) -> bool:
    """Whether a language model was paid for the descriptions."""
    options = record.provenance.options if record.provenance else None
    return isinstance(options, dict) and options.get("source") == "llm"


def _used(index: np.ndarray) -> tuple[list[int], np.ndarray]:
    """The texts that an index with −1 for none points at, and the same index into these alone."""
    used, place = np.unique(np.append(index, -1), return_inverse=True)
    return used[1:].tolist(), place[:-1].reshape(index.shape) - 1
