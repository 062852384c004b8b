"""A cell as a Python script that builds the same model in PyBaMM.

The script stands alone: it imports pybamm and numpy, not percolyte. The model
is the half-cell DFN of PyBaMM with a transference number of one and a uniform
salt concentration, which is the porous electrode of `percolyte.cell.charge_balance`.
"""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.errors import InputError
from percolyte.interchange.curves import thinned

POTENTIAL_ERROR, RATIO_ERROR, ENTROPY_ERROR = 2e-5, 1e-4, 1e-8
"""How far the tables of the script may be from the curves: volts, relative, and V/K."""
SEPARATOR = 30e-6
"""Thickness in m that the separator is given, for the cell knows only its resistance."""
LEAST_RESISTANCE = 1e-9
"""ohm m2; stands for none."""


def export_pybamm(cell: Cell, path: str | os.PathLike[str]) -> list[str]:
    """Write the cell as a PyBaMM script; the sentences say what is lost.

    Run it as `python script.py 1.0` for a discharge at 1C, where pybamm is
    installed. Exact, by folding: the contact fraction c (i0 and film resistance
    per whole surface are c i0 and r/c), the resistance of contacts, of the
    separator and of the anode's film (one ohmic layer), and potential and
    entropy coefficient of the anode (taken off those of the cathode). The film on the particles is
    PyBaMM's constant SEI on the positive electrode.

    Lost: U(x), D(x) and i0(x) become tables with straight lines between their
    points (within 0.02 mV and 0.01 %); the thickness of the separator and the
    volume fraction of the electrolyte are not known to the cell and nominal,
    without effect on voltage or capacity; loading and sources are not written;
    the numbers agree to what the two meshes allow (PyBaMM's default: some mV in
    the first seconds and at the end, some 0.01 % in capacity).

    Errors: InputError for a porous anode, several particle classes, or a law
    of kinetics other than Butler-Volmer, which PyBaMM's half-cell cannot hold.
    """
    part = _only_class(cell)
    text = pybamm_script(cell, part)
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", source=str(path)) from None
    salt = [] if cell.salt is None else ["the salt that moves; the script is of a transference number of one"]
    return salt + _lost(part)


def _lost(part: ParticleClass) -> list[str]:
    found = [
        "U(x) is a table with straight lines between its points, within 0.02 mV of the curve",
        "the separator has a nominal thickness; only its resistance is that of the cell",
        "separator, contacts and the film of the anode are one ohmic layer",
        "the loading of active material and the sources of the numbers are not in the script",
    ]
    if part.contact != 1.0:
        found.append("the contact fraction is folded into the exchange current density and the film resistance")
    return found


def _only_class(cell: Cell) -> ParticleClass:
    if isinstance(cell.anode, PorousElectrode):
        raise InputError(
            "the PyBaMM script is a half-cell, and this anode is a composite; write the cell as a BPX file instead"
        )
    if len(cell.cathode.classes) != 1:
        names = ", ".join(part.name for part in cell.cathode.classes)
        raise InputError(f"the PyBaMM script holds one active material of one size; this cathode has {names}")
    if cell.cathode.kinetics != "butler-volmer":
        raise InputError(
            f"PyBaMM's half-cell has one law of kinetics for both electrodes, and this cathode's is "
            f"{cell.cathode.kinetics}; only butler-volmer can be written"
        )
    return cell.cathode.classes[0]


def pybamm_script(cell: Cell, part: ParticleClass) -> str:
    """The text of the script for a planar anode and one particle class."""
    metal: Any = cell.anode
    resistance = max(cell.series_resistance + metal.film, LEAST_RESISTANCE)
    x, volts = thinned(part.potential, POTENTIAL_ERROR)
    entropy = part.entropy or np.zeros_like
    at, changes = thinned(lambda sto: entropy(sto) - cell.anode_entropy, ENTROPY_ERROR)
    numbers = {
        "cathode": part.name,
        "thickness": cell.cathode.thickness,
        "active": part.volume_fraction,
        "ionic": cell.cathode.ionic,
        "electronic": cell.cathode.electronic,
        "radius": part.radius,
        "diffusivity": part.diffusivity,
        "site_concentration": part.site_concentration,
        "exchange": part.exchange * part.contact,
        "film": part.film / part.contact,
        "charged": part.charged,
        "discharged": part.discharged,
        "separator": SEPARATOR,
        "separator_conductivity": SEPARATOR / resistance,
        "anode_exchange": metal.exchange,
        "anode_potential": metal.potential,
        "temperature": cell.temperature,
        "cut_off": cell.cut_off,
        "upper": cell.upper_limit,
        "one_c": cell.one_c,
    }
    shown = {name: value if isinstance(value, str) else repr(float(value)) for name, value in numbers.items()}
    tables = {
        "stoichiometry": _listed(x),
        "potential": _listed(volts, decimals=6),
        "entropy_stoichiometry": _listed(at),
        "entropy": _listed(changes, decimals=10),
        "diffusivity_table": _ratio(part.diffusivity_ratio),
        "exchange_table": _ratio(part.exchange_ratio),
    }
    return _SCRIPT.substitute(shown | tables)


def _listed(values: Any, decimals: int = 8) -> str:
    words = ", ".join(repr(round(float(value), decimals)) for value in values)
    return "[\n" + textwrap.fill(words, 116, initial_indent="    ", subsequent_indent="    ") + ",\n]"


def _ratio(curve: Any) -> str:
    if curve is None:
        return "None"
    x, y = thinned(lambda at: np.maximum(np.asarray(curve(at), dtype=float), 1e-12), RATIO_ERROR)
    return f"(\n{_listed(x)},\n{_listed(y)},\n)"


_SCRIPT = Template('''"""Discharge of a solid-state cell in PyBaMM, written by percolyte.

Usage: python THIS_FILE [C-rate, 1 if left out] [file for time, voltage and charge]

Planar anode | separator | composite cathode ($cathode), a single-ion electrolyte.
Written for PyBaMM 25 and later. SI units; the electrode is 1 m by 1 m, so that
amperes are A/m2.
"""

import sys

import numpy as np
import pybamm

# --- the cell --------------------------------------------------------------------------
CATHODE_THICKNESS = $thickness  # m
ACTIVE_FRACTION = $active  # volume of active material per volume of electrode
IONIC_CONDUCTIVITY = $ionic  # S/m, effective, of the cathode
ELECTRONIC_CONDUCTIVITY = $electronic  # S/m, effective, of the cathode
PARTICLE_RADIUS = $radius  # m
DIFFUSIVITY = $diffusivity  # m2/s, at x = 0.5 where it varies
SITE_CONCENTRATION = $site_concentration  # mol/m3
EXCHANGE_CURRENT = $exchange  # A/m2 of particle surface at x = 0.5, contact fraction included
FILM_RESISTANCE = $film  # ohm m2 of particle surface, contact fraction included
CHARGED, DISCHARGED = $charged, $discharged  # stoichiometry window
SEPARATOR_THICKNESS = $separator  # m, nominal
SEPARATOR_CONDUCTIVITY = $separator_conductivity  # S/m; thickness/conductivity is every series resistance of the cell
ANODE_EXCHANGE_CURRENT = $anode_exchange  # A/m2
ANODE_POTENTIAL = $anode_potential  # V against Li/Li+
TEMPERATURE = $temperature  # K
CUT_OFF, UPPER_LIMIT = $cut_off, $upper  # V
ONE_C = $one_c  # A/m2

# Potential of the active material against Li/Li+, V, over stoichiometry
STOICHIOMETRY = $stoichiometry
POTENTIAL = $potential

# Change of the cell's open-circuit voltage with temperature, V/K, over stoichiometry; about TEMPERATURE
ENTROPY_STOICHIOMETRY = $entropy_stoichiometry
ENTROPY = $entropy

# Ratio to the value at x = 0.5 as (stoichiometry, ratio); None: D constant, i0 = 2 i0(0.5) sqrt(x (1 - x))
DIFFUSIVITY_TABLE = $diffusivity_table
EXCHANGE_TABLE = $exchange_table


# --- the model -------------------------------------------------------------------------
class SingleIonDFN(pybamm.lithium_ion.DFN):
    """The porous-electrode model with a salt concentration that stays uniform."""

    def set_electrolyte_concentration_submodel(self):
        self.submodels["electrolyte diffusion"] = pybamm.electrolyte_diffusion.ConstantConcentration(
            self.param, self.options
        )


def interpolated(table, x):
    return pybamm.Interpolant(np.array(table[0]), np.array(table[1]), x, interpolator="linear")


def open_circuit_potential(x):
    return interpolated((STOICHIOMETRY, POTENTIAL), x) - ANODE_POTENTIAL


def entropic_change(x):
    return interpolated((ENTROPY_STOICHIOMETRY, ENTROPY), x)


def diffusivity(x, temperature):
    return DIFFUSIVITY * interpolated(DIFFUSIVITY_TABLE, x) if DIFFUSIVITY_TABLE else pybamm.Scalar(DIFFUSIVITY)


def exchange_current(salt, surface, most, temperature):
    # as a Parameter, so that PyBaMM broadcasts it over the electrode
    i0 = pybamm.Parameter("Cathode exchange-current density [A.m-2]")
    if EXCHANGE_TABLE:
        return i0 * interpolated(EXCHANGE_TABLE, surface / most)
    return i0 * 2 * surface**0.5 * (most - surface) ** 0.5 / most


def anode_exchange_current(salt, lithium, temperature):
    return pybamm.Parameter("Anode exchange-current density [A.m-2]")


def parameters():
    """Everything that PyBaMM's half-cell asks for; Xu2019 is only the template that is written over."""
    electrolyte = 1 - ACTIVE_FRACTION  # without effect: only effective conductivities enter
    found = pybamm.ParameterValues("Xu2019")
    found.update({
        "Cathode exchange-current density [A.m-2]": EXCHANGE_CURRENT,
        "Anode exchange-current density [A.m-2]": ANODE_EXCHANGE_CURRENT,
        "Positive electrode exchange-current density [A.m-2]": exchange_current,
        "Exchange-current density for lithium metal electrode [A.m-2]": anode_exchange_current,
        "Positive electrode OCP [V]": open_circuit_potential,
        "Positive electrode OCP entropic change [V.K-1]": entropic_change,
        "SEI resistivity [Ohm.m]": FILM_RESISTANCE / 1e-9,
        "Initial SEI thickness [m]": 1e-9,
        "Negative electrode thickness [m]": 1e-6,
        "Negative electrode conductivity [S.m-1]": 1e9,
        "Separator thickness [m]": SEPARATOR_THICKNESS,
        "Separator porosity": 1.0,
        "Separator tortuosity factor (electrolyte)": 1.0,
        "Electrolyte conductivity [S.m-1]": SEPARATOR_CONDUCTIVITY,
        "Electrolyte diffusivity [m2.s-1]": 1e-11,
        "Initial concentration in electrolyte [mol.m-3]": 1000.0,
        "Cation transference number": 1.0,
        "Thermodynamic factor": 1.0,
        "Positive electrode thickness [m]": CATHODE_THICKNESS,
        "Positive electrode porosity": electrolyte,
        "Positive electrode active material volume fraction": ACTIVE_FRACTION,
        "Positive electrode tortuosity factor (electrolyte)": SEPARATOR_CONDUCTIVITY * electrolyte / IONIC_CONDUCTIVITY,
        "Positive electrode conductivity [S.m-1]": ELECTRONIC_CONDUCTIVITY,
        # the efficiency is (1 - porosity)/tau: this tau makes the conductivity above the effective one
        "Positive electrode tortuosity factor (electrode)": 1 - electrolyte,
        "Positive particle diffusivity [m2.s-1]": diffusivity,
        "Positive particle radius [m]": PARTICLE_RADIUS,
        "Maximum concentration in positive electrode [mol.m-3]": SITE_CONCENTRATION,
        "Initial concentration in positive electrode [mol.m-3]": CHARGED * SITE_CONCENTRATION,
        "Electrode height [m]": 1.0,
        "Electrode width [m]": 1.0,
        "Number of electrodes connected in parallel to make a cell": 1.0,
        "Number of cells connected in series to make a battery": 1.0,
        "Ambient temperature [K]": TEMPERATURE,
        "Reference temperature [K]": TEMPERATURE,
        "Initial temperature [K]": TEMPERATURE,
        "Lower voltage cut-off [V]": CUT_OFF,
        "Upper voltage cut-off [V]": UPPER_LIMIT,
        "Open-circuit voltage at 0% SOC [V]": CUT_OFF,
        "Open-circuit voltage at 100% SOC [V]": UPPER_LIMIT,
        "Nominal cell capacity [A.h]": ONE_C,
        "Current function [A]": "[input]",
    }, check_already_exists=False)
    return found


def discharge(c_rate):
    """Constant current from the charged state to the cut-off; PyBaMM's solution."""
    options = {"working electrode": "positive", "transport efficiency": "tortuosity factor"}
    if FILM_RESISTANCE:
        options |= {"SEI": ("none", "constant"), "SEI film resistance": "distributed"}
    mesh = {"x_n": 1, "x_s": 5, "x_p": 40, "r_n": 1, "r_p": 40}
    solver = pybamm.IDAKLUSolver(rtol=1e-6, atol=1e-8)
    simulation = pybamm.Simulation(SingleIonDFN(options), parameter_values=parameters(), solver=solver, var_pts=mesh)
    current = c_rate * ONE_C
    longest = 1.2 * SITE_CONCENTRATION * ACTIVE_FRACTION * CATHODE_THICKNESS * 96485.33212 / current
    return simulation.solve([0, longest], inputs={"Current function [A]": current})


if __name__ == "__main__":
    pybamm.set_logging_level("ERROR")
    rate = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    solution = discharge(rate)
    charge = solution.t * rate * ONE_C  # C/m2
    voltage = np.asarray(solution["Voltage [V]"].entries).ravel()
    print(f"{rate:g}C: {charge[-1] / 36000:.5f} mAh/cm2 to {voltage[-1]:.3f} V ({solution.termination})")
    if len(sys.argv) > 2:
        table = np.column_stack([solution.t, voltage, charge])
        np.savetxt(sys.argv[2], table, delimiter=",", header="Test Time / s,Voltage / V,charge / (C/m2)", comments="")
''')
