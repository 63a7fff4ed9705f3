"""``vqtext.prepare_frames``: recordings that are pandas DataFrames → windows.h5."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vqtext.cache.lock import lock
from vqtext.cache.publish import publish_folder
from vqtext.console.progress import Progress
from vqtext.data.own.contents import Contents
from vqtext.data.own.frames import frame_contents, write_frames
from vqtext.errors import ConfigError, DataError
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import run
from vqtext.schema import has_dates, is_frame
from vqtext.settings.schema import DataSettings, Settings

INDEX = "time of the index"
"""Name of the time column that an index of dates becomes."""


def prepare_frames(
    frames: Any,
    contents: Mapping[str, Any],
    cache: str | Path = "cache",
    *,
    recording_column: str | None = None,
    quiet: bool = False,
    **data_settings: Any,
) -> dict[str, Any]:
    """``vqtext prepare`` for recordings that are pandas DataFrames.

    The rows are written down in ``CACHE/frames``, a folder like any of own data, and prepared from there: the
    windows are those of ``vqtext prepare --data csv --path CACHE/frames``.

    Args:
        frames: one DataFrame; a list of them; or a dict of name → DataFrame. Each is one recording, read in
            the order of the names.
        contents: what a ``dataset.toml`` says, as a dict; ``recordings`` may be left out. A
            ``subject_pattern`` is matched with "NAME.csv". The ``time_column`` may hold dates or durations,
            or be the index; an index of dates is the time also where none is named.
        cache: folder of the artifacts.
        recording_column: names the recording of each row; a frame then holds several.
        quiet: no progress, only warnings.
        data_settings: ``window_s``, ``stride_s``, ``borders``, ``rate_hz``, ``bridge_s``, as in the section
            ``[data]`` of ``vqtext.toml``, which is not read here.

    Returns:
        What ``vqtext prepare --json`` answers.

    Raises:
        ConfigError: a setting that does not exist or has a value it cannot have.
        DataError: something is wrong with the frames or the contents; names frame, row (from 1) and column.
        ArtifactError: the cache cannot be written, or what stands there is damaged.
    """
    folder = Path(cache) / "frames"
    settings = Settings(cache=Path(cache), data=_data_settings(data_settings, folder))
    frames, checked = _timed(frames, frame_contents(contents))
    with lock(folder), publish_folder(folder) as temp:
        write_frames(temp, frames, checked, recording_column)
        for file in temp.iterdir():  # what did not change is not new: the windows stay up to date
            old = folder / file.name
            if old.is_file() and filecmp.cmp(old, file, shallow=False):
                shutil.copystat(old, file)
    return run(Prepare(settings, Progress(quiet)))


def _timed(frames: Any, contents: Contents) -> tuple[Any, Contents]:
    """Frames with their index as a column, and contents that name it, where it is dates and no time is named.

    Raises:
        DataError: some frames have dates in their index, and others have not.
    """
    many = isinstance(frames, Mapping | list | tuple)
    recordings = frames.values() if isinstance(frames, Mapping) else frames if many else [frames]
    dated = [has_dates(frame) for frame in recordings if is_frame(frame)]
    if contents.times or not any(dated):
        return frames, contents
    if not all(dated):
        raise DataError("some frames have dates in their index and others have not: give all or none")

    def timed(frame: Any) -> Any:
        # what is no frame is an error where frames are read
        return frame.assign(**{INDEX: frame.index}) if is_frame(frame) else frame

    contents = contents.model_copy(update={"time_column": INDEX})
    if isinstance(frames, Mapping):
        return {name: timed(frame) for name, frame in frames.items()}, contents
    return [timed(frame) for frame in frames] if many else timed(frames), contents


def _data_settings(given: Mapping[str, Any], folder: Path) -> DataSettings:
    own = {"name", "path"} & given.keys()
    if own:
        raise ConfigError(f"{min(own)} is not given here: the frames are the data")
    try:
        return DataSettings(name="csv", path=folder, **given)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        known = ", ".join(name for name in DataSettings.model_fields if name not in ("name", "path"))
        what = f"there is {known}" if problem["type"] == "extra_forbidden" else problem["msg"]
        raise ConfigError(f"{'.'.join(map(str, problem['loc']))}: {what}") from None
