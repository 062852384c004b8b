"""A part of a circuit: what every element, line and combination of them has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from percolyte.impedance.measurement import Complexes, Floats
from percolyte.impedance.model import Parameter

Terms: TypeAlias = tuple[Complexes, list[Complexes]]
"""An impedance and its derivatives, one a parameter, each of a shape that spreads over (..., N)."""

BLOCK = 4096
"""Impedances computed at once: their arrays stay in the cache."""


class Branch(ABC):
    """Two terminals with an impedance between them; an `ImpedanceModel` whichever part it is."""

    @property
    @abstractmethod
    def parameters(self) -> tuple[Parameter, ...]: ...

    @abstractmethod
    def terms(self, values: Floats, omega: Floats) -> Terms:
        """Impedance and derivatives for values (P, ..., 1), parameters first, and omega (N,)."""

    def evaluate(self, values: Floats, omega: Floats) -> tuple[Complexes, Complexes]:
        """Impedance (..., N) in ohm and its derivatives (..., N, P), for values (..., P) and omega (N,) in rad/s."""
        spectra = np.reshape(values, (-1, np.shape(values)[-1]))
        impedance = np.empty((len(spectra), omega.size), complex)
        derivatives = np.empty((*impedance.shape, spectra.shape[1]), complex)
        step = max(1, BLOCK // max(1, omega.size))
        for first in range(0, len(spectra), step):
            block = slice(first, first + step)
            impedance[block], found = self.terms(spectra[block].T[..., None], omega)
            for k, derivative in enumerate(found):
                derivatives[block, :, k] = derivative
        shape = np.shape(values)[:-1]
        return impedance.reshape(*shape, omega.size), derivatives.reshape(*shape, omega.size, -1)


@dataclass(frozen=True)
class _Several(Branch):
    """Parts whose parameters follow each other."""

    parts: tuple[Branch, ...]

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(parameter for part in self.parts for parameter in part.parameters)


@dataclass(frozen=True)
class Series(_Several):
    """Z = Σ Z_k."""

    def terms(self, values: Floats, omega: Floats) -> Terms:
        found = _each(self.parts, values, omega)
        return sum_of([z for z, _ in found]), [slope for _, slopes in found for slope in slopes]


@dataclass(frozen=True)
class Parallel(_Several):
    """1/Z = Σ 1/Z_k, so that dZ = Σ (Z/Z_k)² dZ_k."""

    def terms(self, values: Floats, omega: Floats) -> Terms:
        found = _each(self.parts, values, omega)
        total = 1.0 / sum_of([1.0 / z for z, _ in found])
        slopes: list[Complexes] = []
        for z, own in found:
            share = total / z
            share = share * share
            slopes += [share * slope for slope in own]
        return total, slopes


@dataclass(frozen=True)
class Repeated(Branch):
    """Z = n Z_1: equal parts in series that share their parameters, such as the two electrodes of a symmetric cell."""

    part: Branch
    times: float

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.part.parameters

    def terms(self, values: Floats, omega: Floats) -> Terms:
        impedance, slopes = self.part.terms(values, omega)
        return self.times * impedance, [self.times * slope for slope in slopes]


def sum_of(arrays: list[Complexes]) -> Complexes:
    """Sum without the zero that `sum` starts from."""
    total = arrays[0]
    for other in arrays[1:]:
        total = total + other
    return total


def _each(parts: tuple[Branch, ...], values: Floats, omega: Floats) -> list[Terms]:
    """Terms of every part, each with its own stretch of the values."""
    found, first = [], 0
    for part in parts:
        count = len(part.parameters)
        found.append(part.terms(values[first : first + count], omega))
        first += count
    return found
