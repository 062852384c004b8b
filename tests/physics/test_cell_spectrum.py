"""The impedance of a cell: closed forms, limits, and the model in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from percolyte.cell import kernel
from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.cell.protocol import Current, Step
from percolyte.cell.runner import Runner
from percolyte.cell.spectrum import Spectrum, impedance, operational_impedance, sphere
from percolyte.errors import InputError
from percolyte.units import FARADAY, GAS_CONSTANT

TEMPERATURE = 298.15
THERMAL = GAS_CONSTANT * TEMPERATURE / FARADAY
HALF = 0.5


def falling(x: Any) -> Any:
    return 4.3 - np.asarray(x)


def curved(x: Any) -> Any:
    return 4.4 - 0.9 * np.asarray(x) + 0.1 * np.tanh(8.0 * (0.4 - np.asarray(x)))


def flat(x: Any) -> Any:
    return np.full_like(np.asarray(x, dtype=float), 3.4)


PART = ParticleClass("any", 2.5e-6, 0.5, 5e-15, 5e4, 1.0, falling, 0.2, 0.8, exchange_ratio=np.ones_like)
"""With an i0 that does not depend on x, so that closed forms hold to rounding."""
CATHODE = PorousElectrode(100e-6, 0.03, 0.12, (PART,))
FOIL = kernel.Planar(0.0, 10.0, 0.0, TEMPERATURE)


def cell_of(cathode: PorousElectrode, anode: Any = FOIL, separator: float = 1.5e-3) -> Cell:
    return Cell(cathode, anode, separator, 0.0, TEMPERATURE, cathode.capacity, 0.1, 2.5, 4.6)


def electrode(*classes: ParticleClass, **changes: Any) -> PorousElectrode:
    return replace(CATHODE, classes=classes or (PART,), **changes)


def cathode_part(cathode: PorousElectrode, frequency: Any, **options: Any) -> Any:
    options = {"depth_of_discharge": HALF, **options}
    return impedance(cell_of(cathode), frequency, **options).parts["cathode"]


def line(cathode: PorousElectrode, zeta: Any) -> Any:
    """Ions enter at one end, electrons at the other: η'' = (1/κ + 1/σ) η/ζ; zeta in ohm m3."""
    ri, re = cathode.thickness / cathode.ionic, cathode.thickness / cathode.electronic
    x = cathode.thickness * np.sqrt((1.0 / cathode.ionic + 1.0 / cathode.electronic) / zeta)
    ends = ((ri**2 + re**2) / np.tanh(x) + 2.0 * ri * re / np.sinh(x)) / x
    return (ri * re + ends) / (ri + re)


def area(part: ParticleClass) -> float:
    return 3.0 * part.volume_fraction * part.contact / part.radius


# the transmission line


BLOCKING = replace(PART, exchange=1e-30)
CAPACITANCE = 0.2


def blocking_line(frequency: Any, cathode: PorousElectrode = CATHODE) -> Any:
    return line(cathode, 1.0 / (2j * np.pi * np.asarray(frequency) * CAPACITANCE * area(PART)))


def test_a_blocking_electrode_is_the_transmission_line() -> None:
    frequency = np.logspace(-4, 6, 21)
    found = cathode_part(electrode(BLOCKING), frequency, double_layer=CAPACITANCE)
    # rounding
    assert found == pytest.approx(blocking_line(frequency), rel=1e-12)


def test_the_intercept_at_high_frequency_is_both_rails_in_parallel() -> None:
    z = cathode_part(electrode(BLOCKING), [1e14], double_layer=CAPACITANCE)[0]
    # the depth that the current enters there is 1e-8 of the thickness
    assert z.real == pytest.approx(CATHODE.thickness / (CATHODE.ionic + CATHODE.electronic), rel=1e-6)


def test_a_blocking_electrode_at_low_frequency_is_a_third_of_its_rails_and_a_capacitor() -> None:
    """To many digits of its resistance, though that is 1e-8 of the reactance."""
    omega = 1e-6
    z = cathode_part(electrode(BLOCKING), [omega / (2 * np.pi)], double_layer=CAPACITANCE)[0]
    third = CATHODE.thickness * (1.0 / CATHODE.ionic + 1.0 / CATHODE.electronic) / 3.0
    # an exchange current density of 1e-30 A/m2 leaks 1e-14
    assert z.real == pytest.approx(third, rel=1e-12)
    capacitance = CATHODE.thickness * area(PART) * CAPACITANCE
    assert -z.imag * omega == pytest.approx(1.0 / capacitance, rel=1e-12)


def test_the_line_is_its_closed_form_on_both_sides_of_the_change_of_formula() -> None:
    for p in (0.3, 0.999999, 1.000001, 30.0):
        zeta = CATHODE.thickness**2 * (1.0 / CATHODE.ionic + 1.0 / CATHODE.electronic) / p
        z = cathode_part(leaky(THERMAL / zeta / area(PART)), [1.0])[0]
        assert z.real == pytest.approx(line(CATHODE, zeta), rel=1e-12)


# the reaction zone


def leaky(exchange: float, **changes: Any) -> PorousElectrode:
    return electrode(replace(PART, potential=flat, exchange=exchange), **changes)


@pytest.mark.parametrize("exchange", [0.01, 1.0, 10.0])
def test_a_flat_potential_leaves_the_reaction_zone_at_every_frequency(exchange: float) -> None:
    exact = line(CATHODE, THERMAL / exchange / area(PART))
    z = cathode_part(leaky(exchange), np.logspace(-6, 6, 3))
    # rounding
    assert z == pytest.approx(np.full(3, exact, dtype=complex), rel=1e-12)


def test_a_thin_reaction_zone_has_a_face_at_each_end() -> None:
    exchange = 100.0
    zeta = THERMAL / exchange / area(PART)
    ri, re = 1.0 / CATHODE.ionic, 1.0 / CATHODE.electronic
    depth = np.sqrt(zeta / (ri + re))
    assert depth < 0.05 * CATHODE.thickness
    expected = (CATHODE.thickness * ri * re + depth * (ri**2 + re**2)) / (ri + re)
    # the far end of the zone, exp(-L/depth) = 1e-14
    assert cathode_part(leaky(exchange), [1.0])[0].real == pytest.approx(expected, rel=1e-12)


def test_with_perfect_electrons_the_zone_lies_at_the_separator() -> None:
    """λ/κ coth(L/λ), λ² = κ ζ/a."""
    depth = np.sqrt(CATHODE.ionic * THERMAL / area(PART))
    expected = depth / CATHODE.ionic / np.tanh(CATHODE.thickness / depth)
    # σ = 1e9 S/m leaves 1e-9
    assert cathode_part(leaky(1.0, electronic=1e9), [1.0])[0].real == pytest.approx(expected, rel=1e-8)


# low frequency


def test_at_low_frequency_the_cell_is_the_slope_of_its_open_circuit_voltage() -> None:
    """-ω Im Z -> dV/dQ, both electrodes in series and classes in parallel."""
    small = replace(PART, radius=1e-6, volume_fraction=0.1, site_concentration=3e4, contact=0.3)
    anode = electrode(replace(PART, charged=0.8, discharged=0.2, volume_fraction=0.4))
    cell = cell_of(electrode(PART, small), anode, separator=0.0)
    omega = 1e-9
    z = impedance(cell, [omega / (2 * np.pi)], depth_of_discharge=HALF).impedance[0]
    sites = [
        FARADAY * side.thickness * sum(p.site_concentration * p.volume_fraction for p in side.classes)
        for side in (cell.cathode, anode)
    ]
    # U falls by one volt over all sites; its slope in the table is a difference over 2e-5, 1e-11 of it lost
    assert -omega * z.imag == pytest.approx(1.0 / sites[0] + 1.0 / sites[1], rel=1e-9)


def test_the_resistance_at_low_frequency_holds_a_fifth_of_the_radius() -> None:
    """Re Z -> (RT/(F i0) + r + R |dU/dx|/(5 F c D))/(a L) where both rails conduct well."""
    part = replace(PART, film=2e-3)
    fifth = part.radius / (5.0 * FARADAY * part.site_concentration * part.diffusivity)
    expected = (THERMAL / part.exchange + part.film + fifth) / area(part) / CATHODE.thickness
    z = cathode_part(electrode(part, ionic=1e6, electronic=1e6), [1e-7])[0]
    # the rails add 1e-7
    assert z.real == pytest.approx(expected, rel=1e-6)


# the sphere


def test_the_sphere_tends_to_its_limits() -> None:
    small = np.array([1e-12, 1e-6j, -1e-4j])
    # the next term is 2p²/7875
    assert np.abs(sphere(small) - (3.0 / small + 0.2 - small / 175.0)).max() * 1e-12 < 1e-15
    assert np.abs(small * sphere(small) - (3.0 + 0.2 * small - small**2 / 175.0)).max() < 1e-14
    large = np.array([1e6, 1e12j, -1e30j, 1e300j])
    assert sphere(large) == pytest.approx(1.0 / (np.sqrt(large) - 1.0), rel=1e-14)


def test_the_sphere_is_its_closed_form_on_both_sides_of_the_change_of_formula() -> None:
    p = np.outer([0.3, 0.999999, 1.000001, 30.0], np.exp(1j * np.linspace(-2.5, 2.5, 11))).ravel()
    y = np.sqrt(p.astype(np.clongdouble))
    direct = np.tanh(y) / (y - np.tanh(y))
    assert sphere(p) == pytest.approx(direct.astype(complex), rel=1e-14)


# the model in time


RICH = electrode(
    replace(PART, potential=curved, film=1e-3, contact=0.6, diffusivity_ratio=lambda x: 1.5 - np.asarray(x)),
    replace(
        PART, potential=curved, radius=1e-6, volume_fraction=0.1, exchange=0.3,
        exchange_ratio=lambda x: 0.5 + np.asarray(x),
    ),
)  # fmt: skip


def in_time(transform: Callable[[Any], Any], times: Any, points: int = 24) -> Any:
    """Inverse Laplace transform on Talbot's contour: J. Abate, P. P. Valkó, Int. J. Numer. Meth. Eng. 60 (2004) 979."""
    angle = np.arange(1, points) * np.pi / points
    cot = 1.0 / np.tan(angle)
    nodes = np.concatenate([[0.4 * points], 0.4 * np.arange(1, points) * np.pi * (cot + 1j)])
    weights = np.concatenate(
        [[0.5 * np.exp(nodes[0])], (1.0 + 1j * angle * (1.0 + cot**2) - 1j * cot) * np.exp(nodes[1:])]
    )
    values = transform((nodes[:, None] / times).ravel()).reshape(points, times.size)
    return 0.4 / times * (weights[:, None] * values).real.sum(axis=0)


@pytest.mark.parametrize("anode", ["foil", "composite"])
def test_a_small_current_in_time_is_the_impedance_transformed_back(anode: str) -> None:
    rich = replace(RICH, classes=tuple(replace(p, diffusivity_ratio=None) for p in RICH.classes))
    negative = replace(
        rich, thickness=60e-6, classes=tuple(replace(p, charged=0.8, discharged=0.2) for p in rich.classes)
    )
    cell = replace(cell_of(rich, FOIL if anode == "foil" else negative), cut_off=-5.0)
    drawn, longest = 1e-5 * cell.one_c, 2000.0
    runner = Runner(cell, cells=40, rtol=1e-13)
    rows, _ = runner.run(Step("current", Current(drawn), duration=longest))
    times = rows[1:, 0]
    rest = cell.open_circuit_voltage(charged=True)

    def step_response(s: Any) -> Any:
        return sum(operational_impedance(cell, s).values()) / s

    chosen = np.searchsorted(times, [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, longest - 1e-6])
    expected = drawn * in_time(step_response, times[chosen])
    # the relaxations of the sphere, 5e-5; of diffusion faster than a millisecond, the share that 10 ms still see
    assert rest - rows[1:, 1][chosen] == pytest.approx(expected, rel=1e-4)


# a passive linear system


def some_cell(seed: int) -> Cell:
    rng = np.random.default_rng(seed)

    def side(charged: float, discharged: float) -> PorousElectrode:
        classes = tuple(
            ParticleClass(
                "any", 10 ** rng.uniform(-7, -5), 0.25, 10 ** rng.uniform(-17, -12), 4e4, 10 ** rng.uniform(-3, 1.5),
                curved, charged, discharged, film=10 ** rng.uniform(-5, -2), contact=rng.uniform(0.1, 1.0),
            )
            for _ in range(2)
        )  # fmt: skip
        return PorousElectrode(rng.uniform(20e-6, 200e-6), 10 ** rng.uniform(-3, 0), 10 ** rng.uniform(-3, 2), classes)

    return cell_of(side(0.2, 0.9), side(0.9, 0.2))


@pytest.mark.parametrize("seed", range(10))
def test_no_cell_gives_energy_at_any_frequency(seed: int) -> None:
    frequency = np.logspace(-8, 9, 120)
    found = impedance(some_cell(seed), frequency, depth_of_discharge=0.7, double_layer=0.1)
    for part in found.parts.values():
        assert (part.real > 0.0).all()
    assert (found.impedance.imag < 0.0).all()


@pytest.mark.parametrize("seed", range(3))
def test_real_and_imaginary_parts_obey_kramers_and_kronig(seed: int) -> None:
    """Im Z = -dV/dQ/ω + (2ω/π) ∫ (Re Z(x) - Re Z(ω))/(x² - ω²) dx, the pole at zero added."""
    cell, options = some_cell(seed), {"depth_of_discharge": HALF, "double_layer": 0.1}
    step = np.log(10.0) / 40.0
    grid = np.exp(np.arange(np.log(1e-12), np.log(1e14), step))
    spectrum = impedance(cell, grid / (2 * np.pi), **options)
    pole = -spectrum.impedance.imag[0] * grid[0]
    # between the points of the grid, where the integrand has no singularity
    omega = np.exp(np.log(grid[400:801:40]) + 0.5 * step)
    z = impedance(cell, omega / (2 * np.pi), **options).impedance
    rest = spectrum.impedance.real[:, None] - z.real
    integral = (rest / (grid[:, None] ** 2 - omega**2) * grid[:, None]).sum(axis=0) * step
    expected = -pole / omega + 2.0 * omega / np.pi * integral
    # ends cut some decades beyond the slowest and the fastest process; trapezoids in ln ω err by less
    assert (np.abs(z.imag - expected) < 1e-8 * np.abs(z)).all()


def test_exchanging_the_rails_changes_nothing() -> None:
    frequency = np.logspace(-4, 6, 21)
    turned = replace(CATHODE, ionic=CATHODE.electronic, electronic=CATHODE.ionic)
    options = {"double_layer": 0.1}
    # rounding
    assert cathode_part(turned, frequency, **options) == pytest.approx(
        cathode_part(CATHODE, frequency, **options), rel=1e-12
    )


# the parts of a cell


def test_the_parts_are_in_series_and_equal_electrodes_share_alike() -> None:
    frequency = np.logspace(-3, 5, 9)
    anode = electrode(replace(PART, charged=0.8, discharged=0.2))
    found = impedance(cell_of(CATHODE, anode), frequency, depth_of_discharge=HALF)
    assert isinstance(found, Spectrum)
    assert found.parts["anode"] == pytest.approx(found.parts["cathode"], rel=1e-12)
    assert found.parts["separator and contacts"] == pytest.approx(1.5e-3)
    assert found.impedance == pytest.approx(1.5e-3 + 2.0 * found.parts["cathode"], rel=1e-12)
    assert found.magnitude * np.exp(1j * found.phase) == pytest.approx(found.impedance, rel=1e-12)


def test_two_halves_of_a_class_are_the_class() -> None:
    frequency = np.logspace(-4, 4, 9)
    half = replace(PART, volume_fraction=0.5 * PART.volume_fraction)
    assert cathode_part(electrode(half, half), frequency) == pytest.approx(cathode_part(CATHODE, frequency), rel=1e-12)


def test_a_foil_is_a_semicircle_after_its_film() -> None:
    film, capacitance = 2e-4, 0.3
    transfer = THERMAL / FOIL.exchange
    top = 1.0 / (2 * np.pi * transfer * capacitance)
    cell = cell_of(CATHODE, FOIL._replace(film=film))
    bare = impedance(cell, [top]).parts["anode"]
    assert bare == pytest.approx(film + transfer, rel=1e-12)
    found = impedance(cell, [1e-9, top, 1e12], double_layer=capacitance).parts["anode"]
    # ω R C = 1e-11 and 1e10 at the ends
    assert found == pytest.approx(film + transfer * np.array([1.0, 0.5 - 0.5j, 0.0]), rel=1e-9, abs=1e-12)


def test_the_film_stays_in_series_where_the_double_layer_short_circuits_the_rest() -> None:
    coated = electrode(replace(PART, film=0.05), ionic=1e6, electronic=1e6)
    z = cathode_part(coated, [1e9], double_layer=1.0)[0]
    # the double layer of 1 F/m2 has 1e-10 ohm m2 at 1 GHz, the rails 1e-10 ohm m2
    assert z.real == pytest.approx(0.05 / area(PART) / CATHODE.thickness, rel=1e-5)


def test_halving_the_contact_doubles_transfer_and_leaves_the_capacity() -> None:
    """Less of the surface takes part, but the sphere fills with what flows in."""
    rails = {"ionic": 1e6, "electronic": 1e6}
    whole, half = electrode(PART, **rails), electrode(replace(PART, contact=0.5), **rails)
    fast = [cathode_part(side, [1e12])[0].real for side in (whole, half)]
    # diffusion leaves 1e-5 at 1 THz
    assert fast[1] / fast[0] == pytest.approx(2.0, rel=1e-4)
    slow = [cathode_part(side, [1e-9])[0].imag for side in (whole, half)]
    assert slow[1] / slow[0] == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize(
    ("frequency", "options", "words"),
    [
        ([], {}, "positive numbers in Hz"),
        ([1.0, 0.0], {}, "positive numbers in Hz"),
        ([float("nan")], {}, "positive numbers in Hz"),
        ([1.0], {"depth_of_discharge": 1.5}, "fraction from 0 to 1"),
        ([1.0], {"depth_of_discharge": float("nan")}, "fraction from 0 to 1"),
        ([1.0], {"double_layer": -1.0}, "zero or positive in F/m2"),
    ],
)
def test_what_cannot_be_is_named(frequency: list[float], options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        impedance(cell_of(CATHODE), frequency, **options)
