"""Models between people: a folder with a card, and the Hugging Face hub."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from vqtext.errors import ArtifactError, UsageError
from vqtext.model import hub

WEIGHTS, CONFIG, ANCHORS = "model.safetensors", "config.json", "anchors.json"
CARD = "README.md"


class Shared:
    """Sharing for a model that has ``save`` and ``from_folder``.

    Attributes:
        folder: where the model was loaded from; None where it was not.
    """

    folder: Path | None = None

    def save(self, folder: Path | str) -> None:
        """Write the model into an existing or new folder."""
        raise NotImplementedError

    @classmethod
    def from_folder(cls, folder: Path | str) -> Self:
        """A model that `save` wrote."""
        raise NotImplementedError

    def save_pretrained(
        self, folder: Path | str, card: bool = True, license: str | None = None, repo_id: str | None = None
    ) -> None:
        """Write the model and its card, ``README.md``, into an existing or new folder; see
        `vqtext.model_card`.

        Args:
            card: whether to write the card.
            license, repo_id: for the card.

        Raises:
            UsageError: a README.md that somebody wrote or changed stands there.
            ArtifactError: the place cannot be written; the model that was there is as it was.
        """
        import vqtext  # here: a model needs nothing that knows runs

        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if card and (folder / CARD).exists() and not _is_ours(folder / CARD):
                raise UsageError(
                    f"{folder / CARD} was written by somebody else: keep it with card=False, or move it away"
                )
            with TemporaryDirectory(prefix=".model-", dir=folder) as temporary:
                self.save(temporary)
                if card:
                    text = vqtext.model_card(self, temporary, license, repo_id)  # type: ignore[arg-type]
                    (Path(temporary) / CARD).write_text(text + _mark(text), encoding="utf-8")
                for file in Path(temporary).iterdir():
                    file.replace(folder / file.name)
        except OSError as error:
            raise ArtifactError(f"{folder} cannot be written: {error.strerror or error}") from error

    def push_to_hub(
        self,
        repo_id: str,
        token: str | bool | None = None,
        private: bool | None = None,
        message: str = "Upload a vqtext model",
        card: bool = True,
        license: str | None = None,
    ) -> str:
        """Upload what `save_pretrained` writes to the Hugging Face hub, or to the one that HF_ENDPOINT names.

        Args:
            repo_id: ``owner/name``; it is made where it is not there.
            token: None takes the one of ``hf auth login`` or HF_TOKEN.
            private: of a repository that is made; None takes the owner's habit.
            message: of the commit.
            card: False leaves the card there as it is.
            license: for the card.

        Returns:
            The address of the commit.

        Raises:
            HubError: the hub is away or refuses.
        """
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder, card, license, repo_id)
            return hub.upload(Path(folder), repo_id, token, private, message)

    @classmethod
    def from_pretrained(
        cls,
        folder: Path | str,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: Path | str | None = None,
    ) -> Self:
        """A trained model, from a folder or from the Hugging Face hub.

        Args:
            folder: as `vqtext.load` takes it, which never goes online; or ``owner/name``, a repository of the
                hub, or of the one that HF_ENDPOINT names. Where a folder ``owner`` is here, it is one too.
            revision: branch, tag or commit of the repository; None takes the newest.
            token: None takes the one of ``hf auth login`` or HF_TOKEN.
            cache_dir: where downloads are kept; None takes huggingface_hub's own place.

        Raises:
            HubError: the hub is away and the model not on this machine, it refuses, or it has no such model.
            ArtifactError: as `vqtext.load`, and for an imported VQShape.
            UsageError: a revision of a folder.
        """
        if not hub.is_repo(folder):
            if revision is not None:
                raise UsageError(f"{folder} is a folder, and has no revision {revision!r}: leave that out")
            if hub.is_name(folder) and not Path(folder).exists():
                raise ArtifactError(
                    f"{folder} is no folder, and the hub was not asked for it, since a folder "
                    f"{Path(folder).parent} stands here: call it from another place, or mend the name"
                )
            return cls.from_folder(folder)
        copy = hub.download(str(folder), (CONFIG, ANCHORS, WEIGHTS), revision, token, cache_dir)
        try:
            return cls.from_folder(copy)
        except ArtifactError as error:
            problem = re.sub(r"[:;,] (train again with|run) `vqtext train`.*", "", str(error))
            problem = problem.replace(f"{copy}{os.sep}", "").replace(str(copy), "it")
            raise ArtifactError(
                f"{folder} of the hub: {problem}: name another revision, or ask its owner; if only the copy "
                f"here is damaged, remove {copy.parents[1]}"
            ) from error


def _mark(text: str) -> str:
    """The last line of a card: without that of its own text, somebody wrote or changed the card."""
    return f"\n<!-- written by vqtext: {hashlib.sha256(text.encode()).hexdigest()[:16]} -->\n"


def _is_ours(card: Path) -> bool:
    try:
        whole = card.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    text, start, _ = whole.rpartition("\n<!-- written by vqtext: ")
    return bool(start) and whole == text + _mark(text)
