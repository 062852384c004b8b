"""The cell model against an independent solution of the same equations.

Facts from PyBaMM 26.10.1.1, doi:10.5334/jors.309: its Doyle-Fuller-Newman
half-cell with constant electrolyte concentration and t+ = 1, 20 volumes in the
separator, 160 in the cathode and 80 in the particle (exponential, stretch 3),
IDAKLU at rtol 1e-7. On 240 volumes and 120 shells its capacities grow by
0.0003 % (100 um, 1C), 0.0011 % (100 um, 3C) and 0.0015 % (150 um, 1C), and its
voltages agree to 0.05 mV. At 3C in 150 um, where 80 to 160 volumes add
0.011 % and 80 to 120 shells 0.009 %, only the capacity is compared.

The cell: lithium (i0 = 10 A/m2), separator of 30 um at 0.2 S/m, cathode of
55 vol% active material, 63104 mol/m3, i0 = 2 sqrt(x (1 - x)) A/m2, from
x = 0.27 down to 2.5 V at 298.15 K; 1C would fill it to x = 0.9084 in an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from percolyte.cell.kernel import Planar
from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.cell.protocol import Current, Step, discharge
from percolyte.cell.run import simulate


def chen(x: Any) -> Any:
    """NMC811, Chen et al. 2020, doi:10.1149/1945-7111/ab9050."""
    x = np.asarray(x)
    steps = -17.7326 * np.tanh(15.7890 * (x - 0.3117)) + 17.5842 * np.tanh(15.9308 * (x - 0.3120))
    return -0.8090 * x + 4.4875 - 0.0428 * np.tanh(18.5138 * (x - 0.5542)) + steps


def mohtat(x: Any) -> Any:
    """NMC532, Mohtat et al. 2020, doi:10.1149/1945-7111/aba5d1."""
    x = np.asarray(x)
    polynomial = 4.3452 - 1.6518 * x + 1.6225 * x**2 - 2.0843 * x**3 + 3.5146 * x**4 - 2.2166 * x**5
    return polynomial - 0.5623e-4 * np.exp(109.451 * x - 100.006)


def cathode(
    thickness: float = 100e-6, ionic: float = 0.03, electronic: float = 0.5, diffusivity: float = 5e-15,
    radius: float = 2.5e-6, potential: Callable[[Any], Any] = chen,
) -> PorousElectrode:  # fmt: skip
    part = ParticleClass("NMC", radius, 0.55, diffusivity, 63104.0, 1.0, potential, 0.27, 0.9084)
    return PorousElectrode(thickness, ionic, electronic, (part,))


CATHODES = {
    "base": cathode(),
    "thick, slow": cathode(150e-6, 0.01, 0.1, 1e-15),
    "thin, fast": cathode(70e-6, 0.05, 2.0, 1e-14),
    "thin": cathode(30e-6),
    "thick, fast": cathode(200e-6, 0.1, 5.0, 1e-14, 2e-6),
    "other potential": cathode(potential=mohtat),
}


@dataclass(frozen=True)
class Discharge:
    """One discharge of the reference."""

    name: str
    rate: float
    capacity: float
    """Ah/m2 down to 2.5 V."""
    voltages: tuple[tuple[float, float], ...]
    """Seconds and volts: at 10 s, and at 10, 30, 50, 70 and 90 % of the discharge."""

    def cell(self) -> Cell:
        one = CATHODES[self.name]
        return Cell(one, Planar(0.0, 10.0, 0.0, 298.15), 30e-6 / 0.2, 0.0, 298.15, one.capacity, 0.1, 2.5, 4.6)


# fmt: off
REFERENCE = [
    Discharge("base", 0.1, 67.7640, ((10, 4.24609), (4108, 4.15311), (12324, 3.95902), (20540, 3.76084), (28756, 3.63843), (36972, 3.51889))),
    Discharge("base", 1.0, 66.5220, ((10, 4.06635), (403, 3.96802), (1210, 3.77656), (2016, 3.58872), (2823, 3.46236), (3629, 3.32882))),
    Discharge("base", 3.0, 63.7610, ((10, 3.84318), (129, 3.70788), (387, 3.50447), (644, 3.34118), (902, 3.20320), (1160, 2.99695))),
    Discharge("thick, slow", 0.2, 99.7858, ((10, 4.14863), (2016, 4.01290), (6049, 3.82275), (10082, 3.64014), (14115, 3.51406), (18148, 3.38628))),
    Discharge("thick, slow", 1.0, 86.1755, ((10, 3.80787), (348, 3.55645), (1045, 3.35340), (1741, 3.19362), (2438, 2.99102), (3134, 2.71191))),
    Discharge("thick, slow", 3.0, 15.7123, ()),
    Discharge("thin, fast", 1.0, 47.0476, ((10, 4.13044), (407, 4.04825), (1222, 3.85470), (2037, 3.65849), (2852, 3.53385), (3667, 3.40308))),
    Discharge("thin", 3.0, 19.1315, ((10, 4.03932), (129, 3.96368), (387, 3.77299), (644, 3.59312), (902, 3.47303), (1160, 3.33995))),
    Discharge("thick, fast", 1.0, 134.9117, ((10, 4.03537), (409, 3.92518), (1227, 3.73485), (2045, 3.54611), (2863, 3.41562), (3680, 3.27894))),
    Discharge("thick, fast", 3.0, 132.6729, ((10, 3.80651), (134, 3.66616), (402, 3.44934), (670, 3.28103), (938, 3.12520), (1206, 2.86145))),
    Discharge("other potential", 1.0, 66.4700, ((10, 3.80418), (403, 3.72328), (1209, 3.62688), (2015, 3.56669), (2821, 3.50610), (3627, 3.39320))),
]
# fmt: on


def voltage_errors(reference: Discharge, **mesh: Any) -> list[float]:
    """Volts off at each time, each reached by the last step of a run, so that nothing is interpolated."""
    off = []
    for seconds, volts in reference.voltages:
        step = Step("current", Current(reference.rate, c_rate=True), until_voltage=2.5, duration=float(seconds))
        found = simulate(reference.cell(), [step], **mesh)
        assert found.time[-1] == pytest.approx(seconds, rel=1e-12)
        off.append(float(found.voltage[-1]) - volts)
    return off


def capacity_error(reference: Discharge, **mesh: Any) -> float:
    found = simulate(reference.cell(), [discharge(reference.rate, 2.5)], **mesh)
    assert found.outcome == "done"
    return found.areal_capacity / 3600.0 / reference.capacity - 1.0


@pytest.mark.parametrize("reference", REFERENCE, ids=lambda one: f"{one.name} {one.rate:g}C")
def test_a_fine_mesh_gives_the_reference(reference: Discharge) -> None:
    """60 cells, rtol 2e-5."""
    mesh: dict[str, Any] = {"cells": 60, "rtol": 2e-5}
    # error of this mesh 0.1 mV at most, by convergence, and of the reference 0.05 mV; at 10 s 0.3 mV
    assert all(abs(off) < 0.35e-3 for off in voltage_errors(reference, **mesh))
    # 0.005 % by convergence, in the thick and slow cathode
    assert abs(capacity_error(reference, **mesh)) < 1e-4


@pytest.mark.parametrize("reference", REFERENCE, ids=lambda one: f"{one.name} {one.rate:g}C")
def test_the_default_mesh_is_within_a_millivolt_of_the_reference(reference: Discharge) -> None:
    """As many cells, and the tolerance, that a user gets who asks for nothing."""
    assert all(abs(off) < 1e-3 for off in voltage_errors(reference))
    # half a thousandth is less than any measured capacity is known to
    assert abs(capacity_error(reference)) < 5e-4
