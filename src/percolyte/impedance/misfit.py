"""What a fit makes small: differences between measurements and their models, over the noise expected.

A `Member` is measurements on the same points with the model that describes them;
several members whose models share parameters by name make a joint fit. A spectrum
counts as twice as many real rows, real and imaginary part of each point in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from percolyte.impedance.measurement import Floats, MeasuredSpectrum, Polarisation
from percolyte.impedance.model import ImpedanceModel, Parameter

Weighting: TypeAlias = Literal["modulus", "proportional", "unit", "residuals"]
TOGETHER = 0.5
"""Correlation of neighbouring residuals beyond which they are no noise."""
LEAST_PART = 0.01
"""Proportional noise of a part never falls below this share of |Z|: the other part leaks into it."""


class TransientModel(Protocol):
    """A response over what was applied (ohm at constant current, S at constant voltage) as a function of time."""

    @property
    def parameters(self) -> tuple[Parameter, ...]: ...

    def evaluate(self, values: Floats, time: Floats) -> tuple[Floats, Floats]:
        """Response over applied (..., N) and its derivatives (..., N, P), for values (..., P) and time (N,) in s."""
        ...


Model: TypeAlias = ImpedanceModel | TransientModel
Measurement: TypeAlias = MeasuredSpectrum | Polarisation


@dataclass(frozen=True)
class Member:
    """B measurements on the same points, and their model."""

    model: Model
    points: Floats
    """Angular frequency or time, (N)."""
    rows: Floats
    """(B, M)"""
    used: NDArray[np.bool_]
    """(B, M)"""
    noise: Floats
    """Standard deviation expected up to one common factor, (B, M)."""
    places: tuple[int, ...]
    """Where its parameters stand among those of the fit."""
    factors: Floats
    """What it multiplies the fit's parameters by, (P)."""
    admittance: bool
    """Whether the response is in S, as at constant voltage."""

    @property
    def paired(self) -> bool:
        """Whether a point has two rows, real and imaginary part."""
        return bool(self.rows.shape[1] != self.points.size)

    @cached_property
    def weight(self) -> Floats:
        """One over the noise; zero for what is left out."""
        return np.where(self.used, 1.0 / self.noise, 0.0)

    def computed(self, values: Floats) -> tuple[Floats, Floats]:
        """Rows (A, M) of the model and their derivatives (A, M, P)."""
        found: tuple[Any, Any] = self.model.evaluate(values, self.points)
        response, slopes = found
        if not self.paired:
            return response, slopes
        number, points, parameters = slopes.shape
        parts = np.empty((number, points, 2, parameters))
        parts[:, :, 0], parts[:, :, 1] = slopes.real, slopes.imag
        return np.ascontiguousarray(response).view(float), parts.reshape(number, 2 * points, parameters)


@dataclass(frozen=True)
class Misfit:
    """Residuals of all members over their noise, as the solver wants them."""

    members: tuple[Member, ...]
    parameters: tuple[Parameter, ...]

    def __call__(self, values: Floats, index: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Residuals (A, M) and derivatives (A, M, P) of the problems `index` (A)."""
        if len(self.members) == 1:
            return self.of_member(self.members[0], values, index)
        residuals, jacobian = [], []
        for member in self.members:
            places = list(member.places)
            own, slopes = self.of_member(member, values[:, places] * member.factors, index)
            spread = np.zeros((*own.shape, len(self.parameters)))
            spread[:, :, places] = slopes * member.factors
            residuals.append(own)
            jacobian.append(spread)
        return np.concatenate(residuals, axis=1), np.concatenate(jacobian, axis=1)

    def of_member(self, member: Member, values: Floats, index: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """The same of one member, of and by its own values."""
        rows, slopes = member.computed(values)
        weight = member.weight[index]
        return (rows - member.rows[index]) * weight, slopes * weight[:, :, None]

    @property
    def used(self) -> NDArray[np.bool_]:
        """Which rows count, (B, M)."""
        return np.concatenate([member.used for member in self.members], axis=1)

    @property
    def noise(self) -> Floats:
        """(B, M)"""
        return np.concatenate([member.noise for member in self.members], axis=1)

    @cached_property
    def logarithmic(self) -> NDArray[np.bool_]:
        return np.array([parameter.logarithmic for parameter in self.parameters])

    @cached_property
    def low(self) -> Floats:
        return np.array([parameter.low for parameter in self.parameters])

    @cached_property
    def high(self) -> Floats:
        return np.array([parameter.high for parameter in self.parameters])

    def split(self, rows: Floats) -> list[Floats]:
        """An array over all rows as one array for each member."""
        ends = np.cumsum([member.rows.shape[1] for member in self.members])[:-1]
        return np.split(rows, ends, axis=-1)

    def with_noise(self, noise: Sequence[Floats]) -> Misfit:
        return replace(
            self, members=tuple(replace(member, noise=own) for member, own in zip(self.members, noise, strict=True))
        )


def member_of(measured: Sequence[Measurement], model: Model, weighting: Weighting, places: Sequence[int]) -> Member:
    """Measurements of one kind on the same points; `problems_with` has found nothing wrong with them."""
    first = measured[0]
    if isinstance(first, Polarisation):
        points = first.time
        rows = np.array([run.response / run.applied for run in measured if isinstance(run, Polarisation)])
        used = np.ones(rows.shape, bool)
    else:
        spectra = [spectrum for spectrum in measured if isinstance(spectrum, MeasuredSpectrum)]
        points = first.omega
        rows = np.array([spectrum.impedance for spectrum in spectra], complex).view(float)
        used = np.repeat([spectrum.used for spectrum in spectra], 2, axis=1)
    # what is left out may be anything, even no number
    rows = np.where(used, rows, 1.0)
    noise = _expected(rows, isinstance(first, MeasuredSpectrum), weighting)
    admittance = isinstance(first, Polarisation) and first.mode == "potentiostatic"
    return Member(model, points, rows, used, noise, tuple(places), np.ones(len(model.parameters)), admittance)


def _expected(rows: Floats, paired: bool, weighting: Weighting) -> Any:
    """Noise up to a factor: like |Z|, like each part, or the same everywhere; a transient's is the same everywhere."""
    if not paired or weighting == "unit":
        return np.ones_like(rows)
    modulus = np.repeat(np.hypot(rows[:, ::2], rows[:, 1::2]), 2, axis=1)
    modulus = np.maximum(modulus, 1e-9 * modulus.max(axis=1, keepdims=True))
    return np.maximum(np.abs(rows), LEAST_PART * modulus) if weighting == "proportional" else modulus


def together(misfit: Misfit, residuals: Floats) -> Floats:
    """Correlation of the residuals (B, M) of neighbouring points, of the member where it is largest (B)."""
    found = []
    for member, part in zip(misfit.members, misfit.split(residuals), strict=True):
        apart = 2 if member.paired else 1
        total = (part * part).sum(axis=1)
        product = (part[:, apart:] * part[:, :-apart]).sum(axis=1)
        found.append(np.where(total > 0.0, product / np.where(total > 0.0, total, 1.0), 0.0))
    most: Floats = np.max(found, axis=0)
    return most


def from_residuals(member: Member, residuals: Floats) -> Floats:
    """Noise² = α² + β²|Z|², with α and β from the residuals (B, M) in the units of the rows.

    The most likely α and β of normal residuals, by Newton-like weighted regression
    of the squares (R. J. Carroll and D. Ruppert, Transformation and Weighting in
    Regression, 1988, chapter 3). Limit: α = 0 is weighting by the modulus, β = 0 unit weighting.
    """
    modulus = _expected(member.rows, member.paired, "modulus")
    noise = np.empty_like(residuals)
    for row, (own, size, used) in enumerate(zip(residuals, modulus, member.used, strict=True)):
        squares = own[used] ** 2
        basis = np.stack([np.ones(used.sum()), (size[used] / size[used].mean()) ** 2], axis=1)
        share = np.full(2, squares.mean() / 2.0)
        for _ in range(50):
            variance = basis @ share
            # multiplicative update: stays positive, fixed where the likelihood is stationary
            scaled = basis / variance[:, None]
            share = share * np.sqrt((scaled * (squares / variance)[:, None]).sum(axis=0) / scaled.sum(axis=0))
            share = np.maximum(share, 1e-12 * share.max())
        noise[row] = np.sqrt(share[0] + share[1] * (size / size[used].mean()) ** 2)
    return noise
