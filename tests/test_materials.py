"""The library: every number sourced, every name unique, open to the user's own."""

from __future__ import annotations

import math
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from percolyte.errors import InputError
from percolyte.materials import library as library_module
from percolyte.materials.library import SHIPPED, Library, material, search, slug
from percolyte.materials.open_circuit import EntropyCoefficientCurve, OpenCircuitPotential
from percolyte.materials.substance import PROPERTIES, Datum, Substance
from percolyte.materials.temperature import arrhenius, conductivity_at, vogel_fulcher
from percolyte.nouns import read_noun
from percolyte.units import ACTIVATION_ENERGY, GAS_CONSTANT, parse
from tests.build import a_design

FILES = sorted(SHIPPED.rglob("*.toml"))
SUBSTANCES = {substance.name: substance for substance in Library().substances()}
REQUIRED = [
    *[
        "LCO",
        "NMC111",
        "NMC532",
        "NMC622",
        "NMC811",
        "NMC90",
        "NCA",
        "LFP",
        "LMO",
        "LNMO",
        "Li-rich",
        "LTO",
        "S",
        "Li2S",
        "SeS2",
        "FeS2",
        "TiS2",
        "Mo6S8",
        "FeF3",
    ],
    *("Li", "Li-In", "graphite", "Si", "Si-C 450", "Si-C 600", "SiOx", "Ag-C"),
    *["LiNbO3", "Li2ZrO3", "Li3PO4", "LiTaO3", "LTO", "Al2O3", "Li3InCl6"],
    *("Al", "Cu", "Ni", "stainless steel", "Al laminate"),
]
COATINGS = ["LiNbO3", "Li2ZrO3", "Li3PO4", "LiTaO3", "LTO", "Al2O3", "Li3InCl6"]
CURVES = [
    pytest.param(curve, id=f"{name}-{number}")
    for name, substance in SUBSTANCES.items()
    for number, curve in enumerate(substance.open_circuit_potential)
]

OWN = """
format = 1
name = "{name}"
kind = "carbon"
aliases = ["{alias}"]
density = "1.23 g/cm3"
"""


def a_folder(tmp_path: Path, name: str = "my carbon", alias: str = "blackest") -> Path:
    folder = tmp_path / "materials"
    folder.mkdir()
    (folder / f"{slug(name)}.toml").write_text(OWN.format(name=name, alias=alias))
    return folder


def data_of(substance: Substance) -> list[tuple[str, Datum]]:
    return [(name, datum) for name in PROPERTIES for datum in substance.data(name)]


def test_every_file_of_the_library_is_one_substance() -> None:
    assert len(SUBSTANCES) == len(FILES)
    assert {slug(name) for name in SUBSTANCES} == {path.stem for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_value_has_a_source(path: Path) -> None:
    substance = SUBSTANCES[next(name for name in SUBSTANCES if slug(name) == path.stem)]
    for name, datum in data_of(substance):
        assert datum.source is not None, f"{name} has no source"
        assert math.isfinite(datum.number)
    for curve in (*substance.open_circuit_potential, *substance.entropy_coefficient):
        assert curve.source is not None
    assert data_of(substance) or substance.open_circuit_potential or substance.absent, "nothing is known of it"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_range_and_price_is_in_order(path: Path) -> None:
    substance = SUBSTANCES[next(name for name in SUBSTANCES if slug(name) == path.stem)]
    for name, datum in data_of(substance):
        if datum.value is not None and datum.upper is not None:
            assert datum.value < datum.upper, name
        if name in ("price", "price_per_area"):
            assert datum.date, "a price without a date cannot be judged"


def test_no_name_or_alias_belongs_to_two_substances() -> None:
    owners: dict[str, str] = {}
    for substance in SUBSTANCES.values():
        for name in {library_module._key(name) for name in (substance.name, *substance.aliases)}:
            assert owners.setdefault(name, substance.name) == substance.name
            assert name == library_module._key(substance.name) or name not in {
                library_module._key(slug(other)) for other in SUBSTANCES
            }, "an alias hides a file"


@pytest.mark.parametrize("name", REQUIRED)
def test_the_library_holds(name: str) -> None:
    substance = material(name)
    assert substance.name == name
    assert substance.default("density") is not None or "density" in substance.absent


@pytest.mark.parametrize("name", COATINGS)
def test_the_library_knows_as_a_coating(name: str) -> None:
    assert "coating" in material(name).roles


@pytest.mark.parametrize("name", ["LPSCl", "lpscl", "Li6PS5Cl", "li6ps5cl", "LI6PS5CL", " Li6PS5Cl "])
def test_a_substance_answers_to_alias_and_any_case(name: str) -> None:
    assert material(name).name == "Li6PS5Cl"


@pytest.mark.parametrize(
    ("asked", "found"),
    [("stainless_steel", "stainless steel"), ("SI-C-450", "Si-C 450"), ("al Laminate", "Al laminate")],
)
def test_spaces_hyphens_and_underscores_are_one(asked: str, found: str) -> None:
    assert material(asked).name == found


def test_every_name_and_alias_leads_back() -> None:
    library = Library()
    for substance in SUBSTANCES.values():
        for name in (substance.name, *substance.aliases):
            assert library.material(name).name == substance.name


@pytest.mark.parametrize("name", ["NMC81", "../secret", "", " ", "x" * 10_000, "a\0b", "{0}", "*", "."])
def test_an_unknown_substance_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="not in the materials library"):
        material(name)


def test_an_unknown_substance_gets_a_suggestion() -> None:
    with pytest.raises(InputError, match="did you mean 'NMC811'"):
        material("NMC81")


def test_a_substance_of_the_design_is_found_with_the_users_own_value() -> None:
    library = a_design(materials={"my SE": {"kind": "electrolyte", "density": "1.9 g/cm3"}}).library
    density = library.material("my se").need("density")
    assert density.number == 1900.0
    assert density.source is None
    assert density.said == "your own value"


def test_one_property_of_a_library_substance_is_overridden_and_the_rest_stays() -> None:
    library = a_design(materials={"Li6PS5Cl": {"density": "1.7 g/cm3"}}).library
    own, shipped = library.material("Li6PS5Cl"), material("Li6PS5Cl")
    assert own.need("density").number == 1700.0
    assert len(own.data("density")) == 1
    assert own.data("ionic_conductivity") == shipped.data("ionic_conductivity")
    assert own.kind == "electrolyte"


def test_an_override_works_by_alias_too() -> None:
    library = a_design(materials={"LPSCl": {"density": "1.7 g/cm3"}}).library
    assert library.material("LPSCl").need("density").number == 1700.0


def test_a_substance_of_the_design_answers_to_its_alias() -> None:
    mine = {"kind": "electrolyte", "density": "1.9 g/cm3", "aliases": ["wonder salt"]}
    assert a_design(materials={"my SE": mine}).library.material("wonder salt").name == "my SE"


def test_a_substance_is_based_on_another() -> None:
    library = a_design(materials={"my NMC": {"based_on": "NMC811", "specific_capacity": "215 mAh/g"}}).library
    mine = library.material("my NMC")
    assert mine.need("specific_capacity").number == pytest.approx(774000.0, rel=1e-15)
    assert mine.need("density") == material("NMC811").need("density")
    assert mine.name == "my NMC"


def test_a_folder_of_the_user_is_found_by_name_and_alias(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERCOLYTE_MATERIALS", str(a_folder(tmp_path)))
    assert material("my carbon").need("density").number == 1230.0
    assert material("Blackest").name == "my carbon"
    assert material("NMC811").name == "NMC811"
    assert "my carbon" in [substance.name for substance in Library().substances()]


def test_a_folder_of_the_user_wins_over_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERCOLYTE_MATERIALS", str(a_folder(tmp_path, name="VGCF", alias="my fibre")))
    assert material("VGCF").need("density").number == 1230.0
    assert [s.name for s in Library().substances()].count("VGCF") == 1


def test_a_folder_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERCOLYTE_MATERIALS", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="PERCOLYTE_MATERIALS names"):
        material("NMC811")


def test_a_broken_file_in_the_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = a_folder(tmp_path)
    (folder / "broken.toml").write_text('name = "broken"\nkind = "carbn"\ndensity = 5\n')
    monkeypatch.setenv("PERCOLYTE_MATERIALS", str(folder))
    with pytest.raises(InputError) as caught:
        material("broken")
    assert "broken.toml" in str(caught.value)
    assert "did you mean 'carbon'" in str(caught.value)
    assert "has no unit" in str(caught.value)


def test_a_package_adds_substances_by_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = ModuleType("percolyte_plugin_of_the_tests")
    plugin.__path__ = [str(a_folder(tmp_path))]
    monkeypatch.setitem(sys.modules, plugin.__name__, plugin)
    entry = EntryPoint("tests", plugin.__name__, "percolyte.materials")
    monkeypatch.setattr(library_module, "entry_points", lambda *, group: [entry] if group == entry.group else [])
    library_module._plugins.cache_clear()  # installed packages are looked for once
    try:
        assert material("my carbon").need("density").number == 1230.0
        assert material("blackest").name == "my carbon"
    finally:
        library_module._plugins.cache_clear()


def test_the_design_wins_over_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERCOLYTE_MATERIALS", str(a_folder(tmp_path)))
    library = a_design(materials={"my carbon": {"density": "2 g/cm3"}}).library
    assert library.material("my carbon").need("density").number == 2000.0


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "kind: is missing"),
        ({"kind": "carbon", "densty": "1 g/cm3"}, "did you mean 'density'"),
        ({"kind": "carbon", "density": []}, "density"),
        ({"kind": "carbon", "density": [{"note": "no value"}]}, "needs a value, an upper, or both"),
        ({"kind": "carbon", "density": [{"value": "1 g/cm3"}, {"value": "2 g/cm3"}]}, "mark one"),
        ({"kind": "carbon", "absent": {"colour": "?"}}, "no property"),
        ({"kind": "carbon", "density": "1 g/cm3", "absent": {"density": "?"}}, "both given and absent"),
        ({"kind": "carbon", "density": [{"value": "1 g/cm3", "source": {"citation": ""}}]}, "citation"),
    ],
)
def test_a_badly_described_substance_is_refused(fields: dict[str, object], told: str) -> None:
    with pytest.raises(InputError) as caught:
        read_noun(Substance, {"name": "x", **fields})
    assert told in str(caught.value)


def test_a_range_counts_as_its_geometric_mean() -> None:
    substance = read_noun(
        Substance, {"name": "x", "kind": "electrolyte", "ionic_conductivity": {"value": "1 mS/cm", "upper": "4 mS/cm"}}
    )
    assert substance.need("ionic_conductivity").number == pytest.approx(0.2, rel=1e-15)


def test_arrhenius_returns_the_reference_and_follows_its_slope() -> None:
    energy = parse("0.35 eV", ACTIVATION_ENERGY)
    assert arrhenius(2.0, 298.15, energy, 298.15) == 2.0
    hot, cold = arrhenius(2.0, 298.15, energy, 350.0), arrhenius(2.0, 298.15, energy, 250.0)
    slope = (math.log(hot * 350.0) - math.log(cold * 250.0)) / (1 / 350.0 - 1 / 250.0)
    assert slope == pytest.approx(-energy / GAS_CONSTANT, rel=1e-12)
    assert arrhenius(2.0, 298.15, 0.0, 596.3) == pytest.approx(1.0, rel=1e-15)  # the prefactor 1/T alone


def test_vogel_fulcher_returns_the_reference_and_becomes_arrhenius_without_a_glass() -> None:
    energy = parse("0.1 eV", ACTIVATION_ENERGY)
    assert vogel_fulcher(2.0, 333.0, energy, 200.0, 333.0) == 2.0
    as_arrhenius = arrhenius(2.0, 333.0, energy, 300.0) * math.sqrt(300.0 / 333.0)
    assert vogel_fulcher(2.0, 333.0, energy, 0.0, 300.0) == pytest.approx(as_arrhenius, rel=1e-13)
    assert vogel_fulcher(2.0, 333.0, energy, 200.0, 200.0) == 0.0
    assert vogel_fulcher(2.0, 333.0, energy, 200.0, 150.0) == 0.0
    assert vogel_fulcher(2.0, 333.0, energy, 200.0, 200.1) < 1e-100  # nothing moves at the glass


def a_conductor(**fields: object) -> Substance:
    sigma = {"value": "1 mS/cm", "temperature": "25 degC"}
    return read_noun(Substance, {"name": "x", "kind": "electrolyte", "ionic_conductivity": sigma, **fields})


def test_conductivity_is_carried_to_the_temperature_and_says_how() -> None:
    plain, crystal = a_conductor(), a_conductor(activation_energy="0.35 eV")
    polymer = a_conductor(vtf_energy="0.1 eV", vtf_temperature="200 K", activation_energy="0.35 eV")
    value, how = conductivity_at(crystal, 298.15)
    assert value == pytest.approx(0.1)
    assert how == ""
    value, how = conductivity_at(plain, 333.15)
    assert value == pytest.approx(0.1)
    assert "unchanged" in how
    value, how = conductivity_at(crystal, 333.15)
    assert value == pytest.approx(arrhenius(0.1, 298.15, parse("0.35 eV", ACTIVATION_ENERGY), 333.15), rel=1e-14)
    assert how.startswith("Arrhenius law with 0.35 eV")
    value, how = conductivity_at(polymer, 333.15)
    assert value == pytest.approx(
        vogel_fulcher(0.1, 298.15, parse("0.1 eV", ACTIVATION_ENERGY), 200.0, 333.15), rel=1e-14
    )
    assert how.startswith("VTF law")


@pytest.mark.parametrize("curve", CURVES)
def test_a_shipped_curve_falls_with_lithium_unless_its_note_says_otherwise(curve: OpenCircuitPotential) -> None:
    rises_as_told = "rises" in (curve.note or "")
    steps = np.diff(curve(np.linspace(*curve.range, 1001)))
    # rounding in double arithmetic of some volts is 1e-15 V; a plateau may be flat
    assert bool(np.all(steps <= 1e-12)) is not rises_as_told


@pytest.mark.parametrize("curve", CURVES)
def test_a_shipped_curve_is_a_potential_and_is_not_extrapolated(curve: OpenCircuitPotential) -> None:
    x = np.linspace(*curve.range, 101).reshape(1, 101)
    potential = curve(x)
    assert potential.shape == x.shape
    assert np.all((potential >= 0.0) & (potential < 5.5))
    for outside in (curve.range[0] - 0.01, curve.range[1] + 0.01, math.nan):
        with pytest.raises(ValueError, match="given for stoichiometries"):
            curve(outside)


def test_an_equation_is_the_sum_of_its_terms() -> None:
    curve = OpenCircuitPotential(
        range=(0.0, 1.0),
        polynomial=(4.0, -1.0, 0.5),
        tanh=((0.1, -20.0, 0.3),),
        exponential=((0.2, -50.0, 0.1),),
        gaussian=((0.3, 40.0, 0.3),),
        rational={"numerator": (1.0, 2.0), "denominator": (3.0, 0.0, 1.0)},
    )
    x = 0.37
    expected = (
        4.0
        - x
        + 0.5 * x**2
        + 0.1 * math.tanh(-20 * (x - 0.3))
        + 0.2 * math.exp(-50 * (x - 0.1))
        + 0.3 * math.exp(-40 * (x - 0.3) ** 2)
        + (1 + 2 * x) / (3 + x**2)
    )
    assert float(curve(x)) == pytest.approx(expected, rel=1e-14)


def test_a_table_is_linear_between_its_points() -> None:
    curve = OpenCircuitPotential(range=(0.2, 1.0), stoichiometry=(0.2, 0.6, 1.0), potential=(4.2, 3.8, 3.0))
    assert curve([0.2, 0.4, 0.6, 0.8, 1.0]) == pytest.approx([4.2, 4.0, 3.8, 3.4, 3.0], rel=1e-15)


@pytest.mark.parametrize(
    "fields",
    [
        {"range": (0.5, 0.2), "polynomial": (1.0,)},
        {"range": (-0.1, 0.5), "polynomial": (1.0,)},
        {"range": (0.0, 1.0)},
        {"range": (0.0, 1.0), "polynomial": (1.0,), "potential": (1.0, 2.0), "stoichiometry": (0.0, 1.0)},
        {"range": (0.0, 1.0), "potential": (1.0, 2.0)},
        {"range": (0.0, 1.0), "potential": (1.0, 2.0), "stoichiometry": (1.0, 0.0)},
        {"range": (0.0, 1.0), "potential": (1.0, 2.0, 3.0), "stoichiometry": (0.0, 1.0)},
        {"range": (0.0, 0.9), "potential": (1.0, 2.0), "stoichiometry": (0.0, 1.0)},
    ],
)
def test_a_curve_that_contradicts_itself_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(InputError):
        read_noun(OpenCircuitPotential, fields)


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        # O'Regan et al. 2022, their fits in mV/K with widths c in place of 1/c
        ("NMC811", 0.3, 0.04006 * math.exp(-(0.0172**2) / 0.0009855) - 0.06656 * math.exp(-(0.5032**2) / 0.02179)),
        ("NMC811", 0.8, 0.04006 * math.exp(-(0.5172**2) / 0.0009855) - 0.06656 * math.exp(-(0.0032**2) / 0.02179)),
        ("graphite", 0.1, -0.01112 + 0.02914 + 0.3561 * math.exp(-((0.1 - 0.08309) ** 2) / 0.004616)),
        # Torchio et al. 2016, numerator and denominator of their quotient at x = 0.8
        (
            "LCO",
            0.8,
            -(0.199521039 - 0.928373822 * 0.8 + 1.364550689 * 0.64 - 0.611544894 * 0.512)
            / (1.0 - 5.661479887 * 0.8 + 11.47636191 * 0.64 - 9.824312136 * 0.512 + 3.048755063 * 0.4096),
        ),
        ("Li", 0.5, 0.0),
    ],
)
def test_the_default_entropy_coefficients_are_those_of_their_sources(name: str, x: float, expected: float) -> None:
    """In mV/K."""
    curve = material(name).entropy
    assert curve is not None
    # coefficients are written with seven digits and more
    assert 1e3 * float(curve(x)) == pytest.approx(expected, rel=2e-5, abs=1e-9)


def test_an_entropy_coefficient_holds_its_ends_beyond_its_range() -> None:
    curve = EntropyCoefficientCurve(range=(0.2, 0.8), stoichiometry=(0.2, 0.8), coefficient=(1e-4, -2e-4))
    assert curve([0.0, 0.2, 0.5, 1.0]) == pytest.approx([1e-4, 1e-4, -5e-5, -2e-4], rel=1e-12)


def test_one_entropy_coefficient_of_a_substance_is_a_value_with_a_unit() -> None:
    curve = a_design(materials={"LFP": {"entropy_coefficient": "-0.1 mV/K"}}).library.material("LFP").entropy
    assert curve is not None
    assert curve([0.1, 0.9]) == pytest.approx([-1e-4, -1e-4], rel=1e-15)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("-0.1 mV", "'-0.1 mV' is not an entropy coefficient; write for example '-0.1 mV/K'"),
        ("-100 mV/K", "too small: an entropy coefficient here is at least -10 mV/K"),
        (-0.1, "-0.1 has no unit"),
        ({"range": [0.0, 1.0]}, "one of value, coefficient or polynomial is needed"),
        ({"range": [0.1, 0.9], "stoichiometry": [0.1], "coefficient": [1e-4]}, "as of coefficient, two at least"),
        (
            {"range": [0.1, 0.2], "stoichiometry": [0.1, 0.3, 0.2], "coefficient": [0.0, 1e-4, 0.0]},
            "rises from row to row",
        ),
        ({"range": [0.1, 0.9], "stoichiometry": [0.1, 0.9], "coefficient": [-0.1, 0.2]}, "reaches 0.2 V/K"),
    ],
)
def test_a_wrong_entropy_coefficient_is_told_what_to_change(own: object, said: str) -> None:
    with pytest.raises(InputError) as caught:
        Library({"LFP": {"entropy_coefficient": own}}).material("LFP")
    assert said in str(caught.value)


def test_search_filters_by_kind_role_words_conductivity_and_window() -> None:
    library = Library()
    everything = search(library)
    assert len(everything) == len(SUBSTANCES)
    foils = {substance.name for substance in search(library, kind="foil")}
    assert {"Al", "Cu", "Ni", "stainless steel"} <= foils
    assert "NMC811" not in foils
    assert "Li3InCl6" in {substance.name for substance in search(library, kind="coating")}
    assert [substance.name for substance in search(library, words="argyrodite li6ps5cl")][:1]
    assert search(library, words="no such words anywhere") == []
    fast = search(library, min_conductivity=1.0)
    assert fast
    assert all(substance.need("ionic_conductivity").number >= 1.0 for substance in fast)
    assert len(fast) < len(search(library, min_conductivity=0.1))
    stable = search(library, kind="electrolyte", window=2.0)
    for substance in stable:
        window = substance.need("stability_window")
        assert window.upper is not None
        assert (window.value or 0.0) <= 2.0 <= window.upper


def test_search_in_words_is_without_case() -> None:
    library = Library()
    assert search(library, words="ARGYRODITE") == search(library, words="argyrodite")
    kinds = [substance.kind for substance in library.substances()]
    assert kinds == sorted(kinds)
