"""Pressed sulfides and composites of the literature against Heckel's law and the library's parameters.

A. Sakuda et al., Sci. Rep. 3 (2013) 2261: 75Li2S-25P2S5 glass. J.-M. Doux et al., Adv. Energy Mater. 10 (2020)
1903253: Li6PS5Cl pellets. P. Minnmann et al., J. Electrochem. Soc. 168 (2021) 040537: NCM622-Li6PS5Cl composites.
The numbers are from secondary notes on the papers and were not compared with the papers themselves.

M. Cronau et al., ACS Energy Lett. 6 (2021) 3072: glass-ceramic Li6PS5Br, whose porosity is not stated.
"""

from __future__ import annotations

import pytest

from percolyte.materials.library import Library
from percolyte.microstructure.densification import pressed_porosity
from percolyte.microstructure.pack import Microstructure, pack
from percolyte.microstructure.powders import LognormalSizes
from percolyte.microstructure.shapes import Spheres
from percolyte.transport.voxels import conduct
from percolyte.units import si
from tests.build import a_design_data, inputs_of, problems_with


def relative_density(name: str, megapascals: float) -> float:
    substance = Library({}).material(name)
    loose, scale = (substance.need(what).number for what in ("loose_porosity", "heckel_pressure"))
    return 1.0 - pressed_porosity(si(megapascals, "MPa"), loose, scale)


@pytest.mark.parametrize(("pressure", "measured"), [(74, 0.61), (360, 0.90), (500, 0.95)])
def test_the_glass_of_sakuda_densifies_by_one_exponential(pressure: float, measured: float) -> None:
    # two parameters for three points; 4 points of density, as the points were read off a figure
    assert relative_density("75Li2S-25P2S5", pressure) == pytest.approx(measured, abs=0.04)


def test_the_glass_is_denser_than_90_percent_above_350_megapascal() -> None:
    # stated in the text, not read off: "more than 90 %", here with 3 points to spare
    assert 0.87 < relative_density("75Li2S-25P2S5", 350) < 0.96


def test_argyrodite_pellets_have_the_density_of_doux() -> None:
    # four pellets of 80.3 to 84.9 %; the parameter was fitted to their mean
    assert relative_density("Li6PS5Cl", 370) == pytest.approx(0.821, abs=0.005)


def test_pressing_a_pellet_raises_its_conductivity_as_in_cronau() -> None:
    # 0.15 and 0.65 mS/cm after 98 and 392 MPa; factor 1.5, as the porosities are those of another glass by Heckel's law
    look = Microstructure(electrolyte=Spheres(sizes=LognormalSizes(d50=3e-6)))
    found = []
    for pressure in (98, 392):
        recipe = {"electrolyte": relative_density("75Li2S-25P2S5", pressure)}
        volume = pack(recipe, look, (24e-6,) * 3, 0.25e-6, seed=1).volume
        found.append(conduct(volume, {"electrolyte": 1.0}, errors=False).effective_conductivity)
    assert 0.65 / 0.15 / 1.5 < found[1] / found[0] < 0.65 / 0.15 * 1.5


def test_composites_pressed_at_380_megapascal_have_the_mean_porosity_of_minnmann() -> None:
    # 7.6 to 17 % measured, 14 % their mean; 4 points, and the scatter of the samples is larger
    recipe = {"NMC622": "70 %", "Li6PS5Cl": "30 %"}
    cathode = inputs_of(cathode={"porosity": None, "pressing_pressure": "380 MPa", "recipe": recipe}).cathode
    assert cathode.porosity == pytest.approx(0.14, abs=0.04)


def test_a_cathode_of_little_electrolyte_keeps_the_voids_of_its_rigid_particles() -> None:
    recipe = {"NMC811": "95 %", "Li6PS5Cl": "5 %"}
    cathode = inputs_of(cathode={"porosity": None, "pressing_pressure": "1000 MPa", "recipe": recipe})
    layer = cathode.cathode.build()
    # random close packing of equal spheres
    assert layer.volume_fractions["NMC811"] == pytest.approx(0.64, abs=1e-9)


def test_an_electrolyte_without_a_law_asks_for_it() -> None:
    data = a_design_data(cathode={"porosity": None, "pressing_pressure": "380 MPa",
                                  "recipe": {"NMC811": "70 %", "Li3InCl6": "30 %"}})  # fmt: skip
    message = problems_with(data)["cathode.recipe.Li3InCl6"]
    assert "no heckel pressure" in message
    assert "no loose porosity" in message
