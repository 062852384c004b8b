"""Transmission lines: the published closed forms in forty digits, a ladder of resistors, identities and limits."""

from __future__ import annotations

import itertools
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve

from percolyte.errors import InputError
from percolyte.impedance.branch import Branch, Parallel, Series
from percolyte.impedance.elements import element
from percolyte.impedance.measurement import Complexes, Floats
from percolyte.impedance.tlm import CASES, ELECTROLYTE, STEEL, Contact, End, TransmissionLine

OMEGA = 2.0 * np.pi * np.geomspace(1e-4, 1e7, 23)
CAPACITOR, CPE = element("C", "C"), element("CPE", "Q", "a")
CHARGE_TRANSFER = Parallel((element("R", "R_ct"), CPE))
INTERFACES: dict[str, tuple[Branch, list[float]]] = {
    "C": (CAPACITOR, [2e-3]),
    "a tiny C": (CAPACITOR, [1e-12]),
    "CPE": (CPE, [2e-3, 0.85]),
    "R and C": (Parallel((element("R", "R_ct"), CAPACITOR)), [40.0, 2e-3]),
    "R and CPE": (CHARGE_TRANSFER, [40.0, 2e-3, 0.85]),
    **{
        f"R with {symbol} and CPE": (
            Parallel((Series((element("R", "R_ct"), element(symbol, *names))), CPE)),
            [40.0, *values, 2e-5, 0.85],
        )
        for symbol, names, values in (
            ("Wo", ("R_d", "tau"), [25.0, 300.0]),
            ("Sph", ("R_d", "tau"), [25.0, 300.0]),
            ("W", ("sigma",), [9.0]),
        )
    },
}
"""Everything between the rails that the cells offer."""
RAILS = [(60.0, 12.0), (12.0, 60.0), (30.0, 30.0), (500.0, 5e-5), (1e-2, 1e5), (4e9, 3e9)]
"""Ohm: ordinary, equal, seven decades apart both ways; with the interfaces above |x| runs from 2e-7 to 3e7."""


def closed(case: str, ionic: Any, electronic: Any, interface: Any) -> Any:
    """The forms as printed in papers, with hyperbolic functions of the whole and the half length."""
    ionic, electronic, interface = mpmath.mpf(ionic), mpmath.mpf(electronic), mpmath.mpmathify(interface)
    total = ionic + electronic
    x, parallel = mpmath.sqrt(total / interface), ionic * electronic / total
    half, whole = mpmath.tanh(x / 2) / (x / 2), mpmath.tanh(x) / x
    split = (ionic**2 + electronic**2) * mpmath.coth(x) / x + 2 * ionic * electronic * mpmath.csch(x) / x
    added = {
        "a": electronic**2 * half, "b": ionic**2 * half, "c": split,
        "d": 0, "e": electronic**2 * whole, "f": ionic**2 * whole,
    }  # fmt: skip
    return parallel + added[case] / total


def evaluate(ends: tuple[End, End], interface: Branch, values: list[float], omega: Floats = OMEGA) -> Complexes:
    return TransmissionLine(ends, interface).evaluate(np.array(values), omega)[0]


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("case", CASES)
def test_every_ideal_case_is_its_closed_form_in_forty_digits(case: str, interface: str) -> None:
    branch, values = INTERFACES[interface]
    between = branch.evaluate(np.array(values), OMEGA)[0]
    for rails in RAILS:
        found = evaluate(CASES[case], branch, [*rails, *values])
        with mpmath.workdps(40):
            exact = [closed(case, *rails, z) for z in between]
            # double precision of some twenty operations; what the task asks is 1e-9
            assert max(abs(z / e - 1) for z, e in zip(found, exact, strict=True)) < 2e-13


@pytest.mark.parametrize("case", CASES)
def test_slopes_are_those_of_the_closed_form_in_forty_digits(case: str) -> None:
    omega = OMEGA[::4]
    for rails, values in itertools.product(RAILS, ([2e-3, 0.85], [1e-12, 1.0])):
        line = TransmissionLine(CASES[case], CPE)
        point = [*rails, *values]
        impedance, slopes = line.evaluate(np.array(point), omega)
        for (n, w), k in itertools.product(enumerate(omega), range(4)):
            with mpmath.workdps(40):

                def along(value: Any, w: float = w, k: int = k, point: list[float] = point) -> Any:
                    ionic, electronic, q, a = (value if j == k else mpmath.mpf(own) for j, own in enumerate(point))
                    return closed(case, ionic, electronic, 1 / (q * mpmath.mpc(0, w) ** a))

                exact = mpmath.diff(along, mpmath.mpf(point[k]))
            # against the impedance, as a relative change of the parameter moves it: zero slopes count too
            assert abs(slopes[n, k] - exact) * point[k] < 1e-11 * abs(impedance[n])


def test_a_sample_between_steel_is_two_halves_joined_in_the_middle() -> None:
    for symmetric, half in (("a", "e"), ("b", "f")):
        whole = evaluate(CASES[symmetric], CPE, [60.0, 12.0, 2e-3, 0.85])
        # half the length: half the rails and half the interface capacitance
        part = evaluate(CASES[half], CPE, [30.0, 6.0, 1e-3, 0.85])
        np.testing.assert_allclose(whole, 2.0 * part, rtol=1e-12)


def test_swapping_the_rails_swaps_the_blocking_cases_and_leaves_the_electrode() -> None:
    for one, other in (("a", "b"), ("e", "f"), ("c", "c"), ("d", "d")):
        swapped = evaluate(CASES[other], CPE, [12.0, 60.0, 2e-3, 0.85])
        np.testing.assert_allclose(evaluate(CASES[one], CPE, [60.0, 12.0, 2e-3, 0.85]), swapped, rtol=1e-12)


def test_an_unknown_series_resistance_can_be_had_for_other_rails() -> None:
    """Two samples between steel with one spectrum: R_i R_e/R + R_s, R_e²/R and R Q are the same."""
    interface = 0.144 / np.array([72.0, 91.125])
    one, other = (
        contact + evaluate(CASES["a"], CPE, [*rails, q, 0.85])
        for contact, rails, q in zip((2.0, 0.5), ((60.0, 12.0), (77.625, 13.5)), interface, strict=True)
    )
    np.testing.assert_allclose(one, other, rtol=1e-14)


def test_direct_current_meets_one_rail_and_high_frequency_both() -> None:
    for case, direct in (("a", 12.0), ("b", 60.0), ("d", 10.0), ("e", 12.0), ("f", 60.0)):
        low, high = evaluate(CASES[case], CAPACITOR, [60.0, 12.0, 1e-3], np.array([1e-9, 1e15]))
        # the next terms are x²/12 ~ 1e-11 and 1/x ~ 1e-7
        assert low == pytest.approx(direct, rel=1e-9)
        assert high == pytest.approx(10.0, rel=1e-5)


def test_an_electrode_ends_in_a_third_of_both_rails_before_its_capacitor() -> None:
    (low,) = evaluate(CASES["c"], CAPACITOR, [60.0, 12.0, 1e-3], np.array([1e-3]))
    # the next term of the real part is of order x⁴, (7e-5)²
    assert low.real == pytest.approx(24.0, rel=1e-7)
    assert low.imag == pytest.approx(-1e6, rel=1e-9)
    (high,) = evaluate(CASES["c"], CAPACITOR, [60.0, 12.0, 1e-3], np.array([1e15]))
    width = (60.0**2 - 60.0 * 12.0 + 12.0**2) / (3.0 * 72.0)
    assert low.real - high.real == pytest.approx(width, rel=1e-5)


def test_a_leaking_interface_keeps_direct_current_from_the_electronic_rail_alone() -> None:
    leaking = Parallel((element("R", "R_ct"), CAPACITOR))
    (low,) = evaluate(CASES["a"], leaking, [60.0, 12.0, 40.0, 1e-3], np.array([1e-9]))
    x = np.sqrt(72.0 / 40.0)
    assert low.real == pytest.approx(10.0 + 2.0 * np.tanh(x / 2.0) / (x / 2.0), rel=1e-12)
    assert low.real < 11.8


def test_published_values_of_a_small_line_are_met() -> None:
    """Digits of an independent calculation with r_i = 3, r_e = 1, c = 2; printed to ten digits."""
    omega = np.array([0.01, 1.0])
    between_steel = [0.9999866673 - 0.0016665587j, 0.9194594891 - 0.1015213428j]
    electrode = [1.333319154 - 50.00211100j, 1.244655780 - 0.6443391951j]
    np.testing.assert_allclose(evaluate(CASES["a"], CAPACITOR, [3.0, 1.0, 2.0], omega), between_steel, rtol=1e-9)
    np.testing.assert_allclose(evaluate(CASES["c"], CAPACITOR, [3.0, 1.0, 2.0], omega), electrode, rtol=1e-9)


def test_free_electrons_leave_one_rail() -> None:
    one = TransmissionLine(CASES["c"], CPE, ("ionic_resistance",))
    impedance, slopes = one.evaluate(np.array([60.0, 2e-3, 0.85]), OMEGA)
    v = 60.0 * 2e-3 * (1j * OMEGA) ** 0.85
    np.testing.assert_allclose(impedance, 60.0 / (np.sqrt(v) * np.tanh(np.sqrt(v))), rtol=1e-12)
    both, own = TransmissionLine(CASES["c"], CPE).evaluate(np.array([60.0, 0.0, 2e-3, 0.85]), OMEGA)
    np.testing.assert_array_equal(impedance, both)
    np.testing.assert_array_equal(slopes, own[:, [0, 2, 3]])


def test_nothing_overflows_however_long_the_line() -> None:
    for case, rails in itertools.product(CASES, [(1e12, 1e12), (1e12, 0.0), (1e-12, 1e-12), (1e12, 1e-12)]):
        found, slopes = TransmissionLine(CASES[case], CPE).evaluate(np.array([*rails, 1e-3, 0.9]), OMEGA)
        assert np.all(np.isfinite(found))
        assert np.all(np.isfinite(slopes))


def ladder(ends: tuple[End, End], rails: tuple[float, float], between: complex, contacts: list[complex]) -> complex:
    """A chain of resistors, extrapolated from 400 and 800 rungs; `contacts` are those in the order of the ends."""
    coarse, fine = (_rungs(ends, rails, between, list(contacts), n) for n in (400, 800))
    return fine + (fine - coarse) / 3.0


def _rungs(
    ends: tuple[End, End], rails: tuple[float, float], between: complex, contacts: list[complex], n: int
) -> complex:
    """Kirchhoff's current law at each node, one ampere from the first terminal into the last, which is grounded."""
    edges: list[tuple[int, int, complex]] = []
    for rail, resistance in enumerate(rails):
        edges += [(2 * k + rail, 2 * k + 2 + rail, n / resistance) for k in range(n)]
    edges += [(2 * k, 2 * k + 1, (0.5 if k in (0, n) else 1.0) / (n * between)) for k in range(n + 1)]
    nodes = np.arange(2 * n + 4)
    for place, (node, end) in enumerate(zip((0, 2 * n), ends, strict=True)):
        for rail, contact in enumerate((end.ions, end.electrons)):
            if contact == "short":
                nodes[node + rail] = 2 * n + 2 + place
            elif contact != "open":
                edges.append((node + rail, 2 * n + 2 + place, 1.0 / contacts.pop(0)))
    a, b, y = (np.array(column) for column in zip(*edges, strict=True))
    _, nodes = np.unique(nodes, return_inverse=True)
    a, b, size = nodes[a], nodes[b], nodes.max() + 1
    rows, columns = np.concatenate([a, b, a, b]), np.concatenate([a, b, b, a])
    matrix = coo_array((np.concatenate([y, y, -y, -y]), (rows, columns)), shape=(size, size)).tocsc()[:-1, :-1]
    source = np.zeros(size - 1, complex)
    source[-1] = 1.0
    return complex(spsolve(matrix, source)[-1])


R1, R2, R3 = element("R", "R1"), element("R", "R2"), element("R", "R3")
CONTACTS: dict[str, tuple[tuple[Contact, Contact, Contact, Contact], list[float]]] = {
    "steel with a double layer": ((element("C", "C1"), R1, "open", R2), [1e-6, 3.0, 2.0]),
    "resistive electrolyte layers": ((R1, "open", R2, "open"), [4.0, 9.0]),
    "a different contact on every rail": ((R1, CPE, R2, R3), [4.0, 1e-4, 0.8, 20.0, 7.0]),
    "shorted ions on one side": (("short", R1, CPE, "short"), [15.0, 1e-5, 0.9]),
    "joined rails": (("short", "short", R1, R2), [30.0, 2.0]),
}


@pytest.mark.parametrize("name", CONTACTS)
def test_any_contacts_agree_with_a_ladder_of_resistors(name: str) -> None:
    (ions_0, electrons_0, ions_1, electrons_1), values = CONTACTS[name]
    ends = End(ions_0, electrons_0), End(ions_1, electrons_1)
    omega = np.array([1e-2, 1.0, 50.0, 1e4])
    branches = [contact for contact in (ions_0, electrons_0, ions_1, electrons_1) if isinstance(contact, Branch)]
    found = evaluate(ends, CHARGE_TRANSFER, [60.0, 12.0, 40.0, 2e-3, 0.85, *values], omega)
    between = CHARGE_TRANSFER.evaluate(np.array([40.0, 2e-3, 0.85]), omega)[0]
    for n, w in enumerate(omega):
        contacts, rest = [], values
        for branch in branches:
            count = len(branch.parameters)
            contacts.append(complex(branch.evaluate(np.array(rest[:count]), np.array([w]))[0][0]))
            rest = rest[count:]
        exact = ladder(ends, (60.0, 12.0), complex(between[n]), contacts)
        # the ladder errs by (x/800)⁴ after extrapolation
        assert found[n] == pytest.approx(exact, rel=1e-8)


@pytest.mark.parametrize("name", CONTACTS)
def test_slopes_by_contacts_agree_with_differences(name: str) -> None:
    (ions_0, electrons_0, ions_1, electrons_1), contacts = CONTACTS[name]
    line = TransmissionLine((End(ions_0, electrons_0), End(ions_1, electrons_1)), CHARGE_TRANSFER)
    values = np.array([60.0, 12.0, 40.0, 2e-3, 0.85, *contacts])
    impedance, slopes = line.evaluate(values, OMEGA)
    for k, value in enumerate(values):
        change = np.zeros_like(values)
        change[k] = 1e-4 * value
        # central differences of fourth order: error (1e-4)⁴ and rounding 1e-16/1e-4
        near = line.evaluate(values + change, OMEGA)[0] - line.evaluate(values - change, OMEGA)[0]
        far = line.evaluate(values + 2.0 * change, OMEGA)[0] - line.evaluate(values - 2.0 * change, OMEGA)[0]
        difference = (8.0 * near - far) / (12.0 * change[k])
        assert np.max(np.abs((difference - slopes[:, k]) * value / impedance)) < 1e-10


@pytest.mark.parametrize("case", CASES)
def test_contacts_that_resist_almost_nothing_or_almost_all_give_the_ideal_cases(case: str) -> None:
    """Also where contacts of both kinds meet, so that nothing in the general form is lost on the way to a limit."""
    ends, values = [], []
    for end in CASES[case]:
        names = iter("uv")
        ends.append(End(element("R", next(names)), element("R", next(names))))
        values += [1e17 if contact == "open" else 1e-13 for contact in (end.ions, end.electrons)]
    found = evaluate((ends[0], ends[1]), CPE, [60.0, 12.0, 2e-3, 0.85, *values])
    # beside a contact of 1e17 ohm the largest interface impedance, 3e5 ohm, is 3e-12
    np.testing.assert_allclose(found, evaluate(CASES[case], CPE, [60.0, 12.0, 2e-3, 0.85]), rtol=1e-10)


def test_the_two_ends_may_be_turned_round() -> None:
    one = End(R1, CPE), End(R2, R3)
    values = [60.0, 12.0, 2e-3, 4.0, 1e-4, 0.8, 20.0, 7.0]
    turned = [60.0, 12.0, 2e-3, 20.0, 7.0, 4.0, 1e-4, 0.8]
    np.testing.assert_allclose(evaluate(one, CAPACITOR, values), evaluate(one[::-1], CAPACITOR, turned), rtol=1e-12)


def test_an_end_that_contacts_neither_rail_is_refused() -> None:
    with pytest.raises(InputError, match="contact the ions or the electrons"):
        End("open", "open")


def test_a_thousand_lines_are_computed_as_one_by_one() -> None:
    values = np.array([60.0, 12.0, 2e-3, 0.85]) * np.random.default_rng(1).uniform(0.5, 1.1, (1000, 4))
    line = TransmissionLine((STEEL, ELECTROLYTE), CPE)
    impedance, slopes = line.evaluate(values, OMEGA)
    one, own = line.evaluate(values[777], OMEGA)
    np.testing.assert_array_equal(impedance[777], one)
    np.testing.assert_array_equal(slopes[777], own)
