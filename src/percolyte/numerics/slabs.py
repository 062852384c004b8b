"""Sweeps over the planes of an image, shared out to threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any


class Slabs:
    """Runs compiled sweeps over the planes of an image, one slab a thread."""

    def __init__(self, planes: int, threads: int) -> None:
        slabs = max(1, min(threads, planes // 8))
        self.bounds = [round(planes / 2 * s / slabs) * 2 for s in range(slabs)] + [planes]
        self.pool = ThreadPoolExecutor(slabs) if slabs > 1 else None

    def __enter__(self) -> Slabs:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pool is not None:
            self.pool.shutdown()

    def run(self, sweep: Callable[..., Any], *arguments: Any, offset: int = 1) -> list[Any]:
        """sweep(*arguments, start, stop) for each slab; an argument that is a list holds one item a slab."""
        limits = [offset + bound for bound in self.bounds]
        jobs = [
            (*(a[s] if isinstance(a, list) else a for a in arguments), start, stop)
            for s, (start, stop) in enumerate(pairwise(limits))
        ]
        if self.pool is None:
            return [sweep(*jobs[0])]
        return [future.result() for future in [self.pool.submit(sweep, *job) for job in jobs]]

    def totals(self, sweep: Callable[..., Any], *arguments: Any) -> list[float]:
        return [sum(parts) for parts in zip(*self.run(sweep, *arguments), strict=True)]
