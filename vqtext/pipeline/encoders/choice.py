"""Which encoder a name means, and what may go online for it: nothing, unless a hub name was asked for."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from vqtext.console.progress import Progress
from vqtext.errors import EncoderError
from vqtext.model.hub import reachable
from vqtext.pipeline.encoders.base import Encoder, loading
from vqtext.pipeline.encoders.clip import CLIP, MODEL_TYPES, ClipText
from vqtext.pipeline.encoders.sentence import MINILM, SentenceEncoder, minilm


def choose(name: str, progress: Progress, tokens: int = 48, batch_size: int = 64) -> tuple[Encoder, str]:
    """Load the encoder that a name means.

    Args:
        name: ``auto`` (CLIP if its weights are on this machine, else the embedded MiniLM; never online),
            ``clip``, ``minilm``, a folder, or the hub name of a CLIP or sentence-transformers model. Hub
            names and ``clip`` are looked for on this machine first and downloaded if they are not there.
        tokens: token states kept of one text.
        batch_size: texts in one forward pass.

    Returns:
        The encoder, and in plain words why it was taken.

    Raises:
        EncoderError: it cannot be loaded.
    """
    if name == "auto":
        return _auto(tokens, batch_size, progress)
    if name == "minilm":
        return minilm(tokens, batch_size, progress), f"asked for the embedded {MINILM}"
    source = CLIP if name == "clip" else name
    if Path(source).expanduser().is_dir():
        folder = str(Path(source).expanduser())
        return _load(folder, True, tokens, batch_size, progress), f"asked for the folder {source}"
    if source.startswith((".", "/", "~")):
        raise EncoderError(f"cannot load the text encoder {source}: no such folder")
    try:
        return _load(source, True, tokens, batch_size, progress), f"asked for {source}, found on this machine"
    except EncoderError as missing:
        _check_hub(source, missing)
    progress.say(f"downloading {source}")
    return _load(source, False, tokens, batch_size, progress), f"asked for {source}, downloaded"


def _auto(tokens: int, batch_size: int, progress: Progress) -> tuple[Encoder, str]:
    from huggingface_hub import try_to_load_from_cache

    if not isinstance(try_to_load_from_cache(CLIP, "config.json"), str):
        why = "is not on this machine"
    else:
        try:
            return ClipText(CLIP, tokens, batch_size, progress), "auto: CLIP is on this machine"
        except EncoderError as error:
            why = f"is on this machine but does not load ({error})"
    return minilm(tokens, batch_size, progress), (
        f"auto: CLIP {why}, so the embedded {MINILM} was taken; `vqtext embed --encoder clip` downloads CLIP"
    )


def _load(source: str, local_only: bool, tokens: int, batch_size: int, progress: Progress) -> Encoder:
    # By the model's own word, not by trying: sentence-transformers loads CLIP too, pools it wrongly, and
    # says nothing.
    kind = ClipText if _model_type(source, local_only) in MODEL_TYPES else SentenceEncoder
    return kind(source, tokens, batch_size, progress, local_only)


def _model_type(source: str, local_only: bool) -> str | None:
    """``model_type`` of a model's config.json; None where the model has no such file."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import RemoteEntryNotFoundError

    config: object = None
    with loading(source):
        if Path(source).is_dir():
            config = next(Path(source).glob("config.json"), None)
        elif local_only:
            config = try_to_load_from_cache(source, "config.json")
            if config is None:  # "the hub has no such file" is cached too, as another object
                raise FileNotFoundError("it is not on this machine")
        else:
            with suppress(RemoteEntryNotFoundError):
                config = hf_hub_download(source, "config.json")
        if not isinstance(config, str | Path):
            return None
        return json.loads(Path(config).read_text(encoding="utf-8")).get("model_type")


def _check_hub(source: str, missing: EncoderError) -> None:
    """Make sure the hub answers before anything is asked of it: its own retries take minutes.

    Raises:
        EncoderError: it does not, or this process is set to stay offline.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise EncoderError(f"{missing} (HF_HUB_OFFLINE is set: nothing was downloaded)") from missing
    if not reachable(constants.ENDPOINT):
        raise EncoderError(
            f"the text encoder {source} is not on this machine and {constants.ENDPOINT} does not answer; "
            "use `--encoder minilm`, or give the folder of a downloaded model"
        ) from missing
