"""Windows on their way to the network: read in batches out of a file that may be larger than memory.

Every random choice is drawn by the sampler, in the main process, from the seed and the number of the epoch: a
run gives the same batches with and without workers, and after it was stopped and went on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from vqtext.model.distributed import rank, world_size
from vqtext.model.guidance.text_tokens import Guidance
from vqtext.schema import Rows


class Batch(NamedTuple):
    """B windows.

    Attributes:
        place: among the windows of this part, ``(B,)``.
        signal: ``(B, C, T)`` in physical units, NaN where nothing was measured.
        label: ``(B,)``.
        frame_keep: frames that lie inside their window, ``(B, F)``.
        text, mask: text tokens ``(B, L, h)`` and where they are ``(B, L)``; None without guidance.
    """

    place: Tensor
    signal: Tensor
    label: Tensor
    frame_keep: Tensor
    text: Tensor | None = None
    mask: Tensor | None = None


class WindowBatches(Dataset[Any]):
    """One part of the windows, training or validation, that gives whole batches.

    Args:
        signal: ``(·, C, T)``; rows: which of its rows are the N windows.
        label: ``(N,)``; frame_keep: ``(N, F)``.
        index: places of this part's windows among the N.
        guidance: text for the N windows, or None; drop: share of the windows that see none.
    """

    def __init__(
        self,
        signal: Rows,
        rows: np.ndarray,
        label: Tensor,
        frame_keep: Tensor,
        index: Tensor,
        guidance: Guidance | None = None,
        drop: float = 0.0,
    ) -> None:
        self.signal, self.rows, self.index = signal, rows[index.numpy()], index
        # Numbers of NumPy, for a thread that reads must not compute with torch: it would get compute threads
        # of its own, more than there are cores, and every step of the training would wait for their turn.
        self.label, self.frame_keep = label[index].numpy(), frame_keep[index].numpy()
        self.guidance, self.drop = guidance, drop

    def __len__(self) -> int:
        return len(self.index)

    def __getitems__(self, items: Sequence[tuple[int, int]]) -> Batch:
        """The batch of these places, each with a random number of its own; see `SeededSampler`."""
        place = torch.tensor([place for place, _ in items])
        batch = self._batch(place)
        if self.guidance is None:
            return batch
        draws = [draw for _, draw in items]
        text, mask = self.guidance.batch(self.index[place].tolist(), batch.label.tolist(), draws, self.drop)
        return batch._replace(text=text, mask=mask)

    def blocks(self, size: int = 256) -> Iterator[Batch]:
        """All of them in order, without text."""
        for start in range(0, len(self), size):
            yield self._batch(torch.arange(start, min(start + size, len(self))))

    def _batch(self, place: Tensor) -> Batch:
        """The windows at these places, without text."""
        at = place.numpy()
        signal = np.asarray(self.signal[self.rows[at]], dtype=np.float32)
        return Batch(place, *map(torch.from_numpy, (signal, self.label[at], self.frame_keep[at])))


class SeededSampler(Sampler[tuple[int, int]]):
    """Places of windows, each with a random number that decides whatever is random about it.

    Where several processes train, each takes its own stretch of every batch. What the last batch lacks to be
    shared equally is taken from the first.

    Args:
        count: how many windows there are; share: windows of a batch that one process takes.
        seed, shuffle: their order.
    """

    def __init__(self, count: int, share: int, seed: int, shuffle: bool) -> None:
        self.count, self.share, self.seed, self.shuffle = count, share, seed, shuffle
        self.epoch = 0
        self.skip = 0  # batches to leave out of the next epoch: training goes on in the middle of it

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls it before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.count // world_size())

    def __iter__(self) -> Iterator[tuple[int, int]]:
        chance = np.random.default_rng([self.seed, self.epoch])
        order = chance.permutation(self.count) if self.shuffle else np.arange(self.count)
        draws = chance.integers(1 << 31, size=self.count)
        skip, self.skip = self.skip, 0
        places = np.resize(np.arange(self.count), len(self) * world_size())
        for start in range(skip * self.share * world_size(), len(places), self.share * world_size()):
            batch = places[start : start + self.share * world_size()]
            own = batch.reshape(world_size(), -1)[rank()]
            yield from zip(order[own].tolist(), draws[own].tolist(), strict=True)


class PrefetchingLoader(DataLoader[Batch]):
    """A loader that without workers reads the next batch in a thread, while the network works on this one."""

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        batches: Iterator[Batch] = super().__iter__()
        if self.num_workers:
            yield from batches
            return
        with ThreadPoolExecutor(1) as thread:
            following = thread.submit(next, batches, None)
            while (batch := following.result()) is not None:
                following = thread.submit(next, batches, None)
                yield batch


def loader(
    windows: WindowBatches, batch_size: int, seed: int, shuffle: bool, workers: int
) -> DataLoader[Batch]:
    """A loader of batches, ``batch_size`` windows for each process that trains; ``workers`` processes read
    ahead, 0 reads in this one."""
    return PrefetchingLoader(
        windows,
        batch_size,
        sampler=SeededSampler(len(windows), batch_size, seed, shuffle),
        num_workers=workers,
        persistent_workers=workers > 0,
        generator=torch.Generator().manual_seed(seed),  # else seeding workers would draw from training's
        collate_fn=_as_it_is,
    )


def _as_it_is(batch: Any) -> Any:
    return batch
