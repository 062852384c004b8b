"""A spectrum against the Kramers-Kronig relations, by a model that obeys them and is linear in its parameters.

A series of RC elements with fixed time constants, of either sign of resistance, beside R, L and C,

    Z(ω) = R + iωL + 1/(iωC) + Σ_k R_k/(1 + iωτ_k),   τ_k evenly in ln τ,   (1)

is fitted with weights 1/|Z|: what it cannot follow is not linear, not causal, not stable in time, or noise (M. Schönleber, D.
Klotz, E. Ivers-Tiffée, Electrochim. Acta 131 (2014) 20-27). Here the number of elements is the one that best
predicts each frequency from all others: too few miss the spectrum, too many follow its noise, and both predict badly.
The admittance has the same form, for cells that are stable at a controlled voltage alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from percolyte.impedance.measurement import Complexes, Floats

Represented = Literal["impedance", "admittance"]

FEWEST_ELEMENTS = 2
ELEMENTS_PER_DECADE = 7
"""At most: beyond, the elements can no longer be told apart in double precision."""
BEYOND = 5.0
"""Times which the time constants pass 1/ω of the slowest point, and pass below that of the fastest: a blocking
contact with a constant phase needs them."""
NUMBERS_TRIED = 12
COUNTED = 0.9
"""Part of the frequencies, best predicted first, that the choice goes by: not outliers, nor ends that have one neighbour."""


@dataclass(frozen=True, eq=False)
class LinearFit:
    """The model (1) with one number of elements."""

    elements: int
    represented: Represented
    model: Complexes
    """Impedance at every frequency asked for, ohm."""
    misfit: Floats
    """(2N,) weighted residuals of the points fitted, real parts, then imaginary."""
    basis: Floats
    """(2N, p) orthonormal basis of all that the model can follow."""
    distance: Floats
    """(N,) r (I - H)^-1 r of each point fitted: σ² χ² with two degrees of freedom where it is noise alone."""
    prediction_error: float
    """Of a frequency by all others, root mean square over those counted, relative to |Z|."""

    @property
    def variance(self) -> float:
        """Of each weighted part, by the misfit and the degrees of freedom that remain."""
        freedom = max(self.misfit.size - self.basis.shape[1], 1)
        return float(np.sum(self.misfit**2) / freedom)


def fit_linear(omega: Floats, impedance: Complexes, used: NDArray[np.bool_], represented: Represented) -> LinearFit:
    """The model (1) with the number of elements that predicts best, fitted to the points `used`."""
    decades = np.log10(omega[used].max() / omega[used].min())
    most = int(max(min(ELEMENTS_PER_DECADE * decades, 0.8 * used.sum()), FEWEST_ELEMENTS))
    numbers = np.unique(np.rint(np.geomspace(FEWEST_ELEMENTS, most, NUMBERS_TRIED)).astype(int))
    fits = (fit_elements(omega, impedance, used, int(number), represented) for number in numbers)
    return min(fits, key=lambda fit: fit.prediction_error)


def fit_elements(
    omega: Floats,
    impedance: Complexes,
    used: NDArray[np.bool_],
    elements: int,
    represented: Represented,
    beside: Complexes | None = None,
) -> LinearFit:
    """The model (1) with so many elements, and more columns beside them if given, (N,) or (N, k)."""
    columns = _columns(omega, used, elements)
    if beside is not None:
        columns = np.column_stack([columns, beside])
    response = impedance if represented == "impedance" else 1.0 / impedance
    weight = 1.0 / np.abs(response)
    matrix = (columns * weight[:, None])[used]
    data = (response * weight)[used]
    rows = np.vstack([matrix.real, matrix.imag])
    basis, triangle = np.linalg.qr(rows / np.linalg.norm(rows, axis=0))
    values = np.concatenate([data.real, data.imag])
    along = basis.T @ values
    misfit = values - basis @ along
    predicted, distance = _left_out(basis, misfit)
    kept = np.sort(predicted)[: max(int(COUNTED * predicted.size), 1)]
    coefficients = np.linalg.lstsq(triangle, along, rcond=1e-13)[0] / np.linalg.norm(rows, axis=0)
    model = columns @ coefficients
    return LinearFit(
        elements,
        represented,
        model if represented == "impedance" else 1.0 / model,
        misfit,
        basis,
        distance,
        float(np.sqrt(kept.mean())),
    )


def _columns(omega: Floats, used: NDArray[np.bool_], elements: int) -> Complexes:
    tau = np.geomspace(1.0 / (BEYOND * omega[used].max()), BEYOND / omega[used].min(), elements)
    ends = np.stack([np.ones_like(omega), 1j * omega, 1.0 / (1j * omega)], axis=1)
    return np.hstack([ends, 1.0 / (1.0 + 1j * np.outer(omega, tau))])


def _left_out(basis: Floats, misfit: Floats) -> tuple[Floats, Floats]:
    """|e|² of each frequency as predicted by the others, and its distance, without fitting again.

    With H the block of the projection that belongs to both parts of one frequency, e = (I - H)^-1 r.
    """
    count = misfit.size // 2
    real, imaginary = basis[:count], basis[count:]
    a = 1.0 - np.einsum("ij,ij->i", real, real)
    b = -np.einsum("ij,ij->i", real, imaginary)
    d = 1.0 - np.einsum("ij,ij->i", imaginary, imaginary)
    determinant = np.maximum(a * d - b * b, 1e-12)
    first, second = misfit[:count], misfit[count:]
    e_first = (d * first - b * second) / determinant
    e_second = (a * second - b * first) / determinant
    return e_first**2 + e_second**2, first * e_first + second * e_second
