"""Which positions of which tensors are one and the same channel: a union-find whose sets may be fixed for a reason."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Ids: TypeAlias = "npt.NDArray[np.int64]"
"""The channel at every position of an axis, [positions]; several positions may carry one channel."""


class Channels:
    """Numbers channels, finds out which are the same, and remembers which must stay."""

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._reason: dict[int, str] = {}

    def new(self, count: int) -> Ids:
        """Number ``count`` channels that have nothing to do with any other yet."""
        first = len(self._parent)
        self._parent.extend(range(first, first + count))
        return np.arange(first, first + count, dtype=np.int64)

    def unite(self, a: Ids, b: Ids) -> None:
        """Make the channels of two arrays of equal length the same, position by position."""
        assert a.shape == b.shape, (a.shape, b.shape)
        if a is b:
            return
        for x, y in zip(a.tolist(), b.tolist(), strict=True):
            keep, drop = sorted((self._find(x), self._find(y)))
            if keep != drop:
                self._parent[drop] = keep
                reason = self._reason.pop(drop, None)
                if reason is not None:
                    self._reason.setdefault(keep, reason)

    def fix(self, ids: Ids, reason: str, *, foremost: bool = False) -> None:
        """Say why channels must stay; the first reason counts, or one that is ``foremost``."""
        for x in np.unique(ids).tolist():
            if foremost:
                self._reason[self._find(x)] = reason
            else:
                self._reason.setdefault(self._find(x), reason)

    def roots(self, ids: Ids) -> Ids:
        """Return the number by which each channel is known now, [positions]: equal where channels are the same."""
        return np.array([self._find(x) for x in ids.tolist()], dtype=np.int64)

    def reason(self, channel: int) -> str | None:
        """Return why a channel must stay, or None if it may go."""
        return self._reason.get(self._find(channel))

    def _find(self, x: Any) -> int:
        root = int(x)
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[x] != root:
            self._parent[x], x = root, self._parent[x]
        return root
