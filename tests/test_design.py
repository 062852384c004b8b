"""Design files: refused with every problem named, and kept when written."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from percolyte.design import design_from, read_design, write_design
from percolyte.errors import InputError
from percolyte.examples import shipped_designs
from percolyte.nouns import replace
from percolyte.transport.effective import ClosureTransport
from tests.build import GRAPHITE_ANODE, NO_ANODE, a_design, a_design_data, evaluated, problems_with, write_toml

SHIPPED = [path for path, _ in shipped_designs()]

OTHER_PROBLEMS: dict[str, Any] = {"temperature": "25 MPa", "vehicle": {"cell_mass": "-1 kg"}}
"""Two mistakes that every bad file below makes besides its own."""


def cathode(**changes: Any) -> dict[str, Any]:
    return {"cathode": changes}


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "wrong unit": (cathode(thickness="50 mS"), "cathode.thickness", "not a thickness"),
    "no unit": (cathode(thickness=120), "cathode.thickness", "120 has no unit; write for example '80 um'"),
    "no unit as text": (cathode(thickness="120"), "cathode.thickness", "has no unit"),
    "unknown unit": (cathode(thickness="120 parsnips"), "cathode.thickness", "'parsnips' is not known"),
    "C is no coulomb": (cathode(thickness=None, areal_capacity="4 C"), "cathode.areal_capacity", "not known"),
    "decimal comma": (cathode(thickness="1,5 um"), "cathode.thickness", "a point, not a comma"),
    "negative": (cathode(thickness="-70 um"), "cathode.thickness", "too small"),
    "zero": (cathode(thickness="0 um"), "cathode.thickness", "more than 0 um"),
    "NaN": (cathode(thickness="nan um"), "cathode.thickness", "not a number"),
    "NaN of TOML": (cathode(porosity=float("nan")), "cathode.porosity", "not a finite number"),
    "infinite": (cathode(porosity=float("inf")), "cathode.porosity", "inf"),
    "huge": (cathode(thickness="9e99 um"), "cathode.thickness", "at most 5000 um"),
    "beyond floats": (cathode(thickness="1e999 um"), "cathode.thickness", "not a finite number"),
    "not a number": (cathode(thickness="thick"), "cathode.thickness", "not a number"),
    "true": (cathode(thickness=True), "cathode.thickness", "text with its unit"),
    "a list": (cathode(thickness=["70 um"]), "cathode.thickness", "text with its unit"),
    "all pore": (cathode(porosity="100 %"), "cathode.porosity", "leaves no electrode"),
    "unknown field": (
        {"separator": {"thicknes": "30 um", "thickness": None}},
        "separator.thicknes",
        "did you mean 'thickness'",
    ),
    "unknown table": ({"seperator": {}}, "seperator", "did you mean 'separator'"),
    "unknown material": (
        cathode(recipe={"NMC81": "80 %", "Li6PS5Cl": "20 %"}),
        "cathode.recipe.NMC81",
        "did you mean 'NMC811'",
    ),
    "unknown electrolyte": (
        {"separator": {"electrolyte": "Li6PS5C"}},
        "separator.electrolyte",
        "did you mean 'Li6PS5Cl'",
    ),
    "unknown foil": (cathode(collector={"material": "Cuu"}), "cathode.collector.material", "'Cu'"),
    "unknown anode foil": ({"anode": {"material": "lithum"}}, "anode.material", "did you mean 'lithium'"),
    "fractions of 105 %": (
        cathode(recipe={"NMC811": "85 %", "Li6PS5Cl": "20 %"}),
        "cathode.recipe",
        "add up to 105 %, not 100 %",
    ),
    "fractions of 99 %": (cathode(recipe={"NMC811": "85 %", "Li6PS5Cl": "14 %"}), "cathode.recipe", "add up to 99 %"),
    "percent without its sign": (cathode(recipe={"NMC811": 80, "Li6PS5Cl": 20}), "cathode.recipe", "write '80 %'"),
    "fraction of zero": (cathode(recipe={"NMC811": "100 %", "Li6PS5Cl": "0 %"}), "cathode.recipe", "leave it out"),
    "empty recipe": (cathode(recipe={}), "cathode.recipe", "is empty"),
    "no recipe": (cathode(recipe=None), "cathode.recipe", "is missing"),
    "two amounts": (cathode(loading="20 mg/cm2"), "cathode", "thickness and loading exclude each other"),
    "three amounts": (
        cathode(loading="20 mg/cm2", areal_capacity="4 mAh/cm2"),
        "cathode",
        "thickness, loading and areal_capacity exclude each other",
    ),
    "no amount": (cathode(thickness=None), "cathode", "one of thickness, loading or areal_capacity is needed"),
    "two densities": (cathode(density="3 g/cm3"), "cathode", "porosity and density exclude each other"),
    "no density": (cathode(porosity=None), "cathode", "one of porosity, density or pressing_pressure is needed"),
    "two sizes of foil": ({"anode": {"thickness": "40 um"}}, "anode", "thickness and np_ratio exclude each other"),
    "no size of foil": ({"anode": {"np_ratio": None}}, "anode", "one of thickness or np_ratio is needed"),
    "missing table": ({"anode": None}, "anode", "is missing"),
    "text for a table": ({"cathode": "thick"}, "cathode", "is a table"),
    "list for a table": ({"separator": ["Li6PS5Cl"]}, "separator", "is a table"),
    "unknown convention": ({"pouch": {"convention": "puch"}}, "pouch.convention", "did you mean 'pouch'"),
    "no format": ({"format": None}, "format", "write format = 1"),
    "future format": ({"format": 2}, "format", "1"),
    "sheets missing": ({"pouch": {"convention": "pouch"}}, "pouch", "width, height and cathode_sheets are missing"),
    "zero sheets": ({"pouch": {"cathode_sheets": 0}}, "pouch.cathode_sheets", "1"),
    "half a sheet": ({"pouch": {"cathode_sheets": 2.5}}, "pouch.cathode_sheets", "2.5"),
    "zero width": ({"pouch": {"width": "0 mm"}}, "pouch.width", "zero length"),
    "file that is absent": (
        cathode(active={"open_circuit_potential": "no.csv"}),
        "cathode.active.open_circuit_potential",
        "no file 'no.csv'",
    ),
    "file outside": (
        cathode(active={"open_circuit_potential": "../../etc/passwd"}),
        "cathode.active.open_circuit_potential",
        "leads out",
    ),
    "folder for a file": (
        cathode(active={"open_circuit_potential": "."}),
        "cathode.active.open_circuit_potential",
        "no file",
    ),
    "name that no file can have": (
        cathode(active={"open_circuit_potential": "a\0b"}),
        "cathode.active.open_circuit_potential",
        "",
    ),
    "name longer than files have": (
        cathode(active={"open_circuit_potential": "x" * 5000}),
        "cathode.active.open_circuit_potential",
        "",
    ),
    "stoichiometry beyond one": (cathode(active={"stoichiometry": [0.2, 1.4]}), "cathode.active", "between 0 and 1"),
    "unknown law": (
        cathode(transport={"kind": "closure", "ionic": {"law": "brugeman"}}),
        "cathode.transport.ionic",
        "'bruggeman'",
    ),
    "given transport without numbers": (cathode(transport={"kind": "given"}), "cathode.transport", "is missing"),
    "anode of unknown kind": ({"anode": {"kind": "lithum", "np_ratio": 2.0}}, "anode", "lithium"),
    "anode without kind": ({"anode": {"np_ratio": 2.0, "kind": None}}, "anode", "lithium"),
    "bad anode recipe": (
        {"anode": {**GRAPHITE_ANODE, "recipe": {"graphite": "80 %", "Li6PS5Cl": "10 %"}}},
        "anode.recipe",
        "add up to 90 %",
    ),
    "own substance without kind": ({"materials": {"X": {"density": "2 g/cm3"}}}, 'materials."X".kind', "is missing"),
    "own substance of unknown kind": (
        {"materials": {"X": {"kind": "anod"}}},
        'materials."X".kind',
        "did you mean 'anode'",
    ),
    "own substance with a bare number": (
        {"materials": {"X": {"kind": "carbon", "density": "2"}}},
        'materials."X".density',
        "has no unit",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_input_is_named_together_with_the_other_problems(case: str) -> None:
    changes, where, told = BAD[case]
    data = a_design_data(**{**OTHER_PROBLEMS, **changes})
    with pytest.raises(InputError) as caught:
        design_from(data, source="bad.toml")
    found = [(problem.where, problem.what) for problem in caught.value.problems]
    assert any(place.startswith(where) and told in what for place, what in found), found
    places = {place for place, _ in found}
    assert {"temperature", "vehicle.cell_mass"} <= places
    strangers = [place for place in places - {"temperature", "vehicle.cell_mass"} if not place.startswith(where)]
    assert not strangers  # one mistake is not reported in two places
    assert str(caught.value).startswith(f"bad.toml: {len(found)} problems")


@pytest.mark.parametrize("thickness", [None, True, 5, "5", "5 mS", "-5 um", "", [], {}, float("nan")])
def test_nothing_but_a_length_is_a_separator_thickness(thickness: Any) -> None:
    data = a_design_data()
    data["separator"]["thickness"] = thickness
    assert list(problems_with(data)) == ["separator.thickness"]


def test_problems_come_in_the_order_of_the_file() -> None:
    data = a_design_data(
        temperature="x",
        cathode={"thickness": "x", "collector": {"material": "nothing"}},
        separator={"thickness": "x"},
        anode={"x": 1},
    )
    places = [place.split(".")[0] for place in problems_with(data)]
    assert places == ["temperature", "cathode", "cathode", "separator", "anode"]


def test_two_names_of_one_substance_are_not_silently_one() -> None:
    recipe = {"NMC811": "70 %", "NCM811": "10 %", "Li6PS5Cl": "20 %"}
    found = problems_with(a_design_data(cathode={"recipe": recipe, "active": None}))
    assert any(place.startswith("cathode.recipe") for place in found)


def test_a_blend_of_two_active_materials_takes_the_values_of_the_library() -> None:
    recipe = {"NMC811": "40 %", "LFP": "40 %", "Li6PS5Cl": "20 %"}
    blend = evaluated(cathode={"recipe": recipe, "active": None})
    assert blend.stack.cathode.active == ("NMC811", "LFP")
    assert 3.4 < float(blend.energy.voltage) < 3.7


@pytest.mark.parametrize("voltage", ["0 V", "-3 V"])
def test_a_cell_of_no_or_negative_voltage_is_refused(voltage: str) -> None:
    assert problems_with(a_design_data(pouch={"mean_voltage": voltage}))


def test_an_anode_above_the_cathode_is_refused() -> None:
    assert problems_with(a_design_data(cathode={"active": {"mean_voltage": "-1 V"}}))


@pytest.mark.parametrize("kelvin", ["1 K", "0.001 K", "1e-300 K"])
def test_a_temperature_at_which_nothing_conducts_is_no_traceback(kelvin: str) -> None:
    data = a_design_data(temperature=kelvin, separator={"conductivity": None})
    assert problems_with(data)


def test_a_recipe_without_active_material_is_refused() -> None:
    found = problems_with(a_design_data(cathode={"recipe": {"Li6PS5Cl": "100 %"}}))
    assert "no active material" in found["cathode.recipe"]


def test_values_for_one_of_two_active_materials_are_ambiguous() -> None:
    recipe = {"NMC811": "40 %", "LCO": "40 %", "Li6PS5Cl": "20 %"}
    assert "ambiguous" in problems_with(a_design_data(cathode={"recipe": recipe}))["cathode.active"]


def test_a_separator_of_binder_alone_is_refused() -> None:
    data = a_design_data(separator={"binder": {"material": "NBR", "mass_fraction": "100 %"}})
    assert "no electrolyte is left" in problems_with(data)["separator"]


def test_a_metal_is_no_electrolyte() -> None:
    found = problems_with(a_design_data(separator={"electrolyte": "Cu", "conductivity": None}))
    assert "no ionic conductivity" in found["separator.conductivity"]


def test_a_missing_number_is_named_with_the_table_that_supplies_it() -> None:
    data = a_design_data(
        cathode={"recipe": {"mine": "80 %", "Li6PS5Cl": "20 %"}, "active": None},
        materials={"mine": {"kind": "cathode"}},
    )
    told = " ".join(problems_with(data).values())
    for name in ("density", "specific capacity", "mean voltage"):
        assert f"mine has no {name}" in told
    assert '[materials."mine"]' in told


def test_a_density_beyond_matter_is_refused_past_25_percent_only() -> None:
    dense = {"porosity": None, "density": "4.6 g/cm3"}
    assert design_from(a_design_data(cathode=dense))
    found = problems_with(a_design_data(cathode={**dense, "density": "5 g/cm3"}))
    assert "without any pore" in found["cathode.density"]


def test_a_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_design(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "content", [b"\x00\x01\x02", "name = 'µ'".encode("latin-1"), "format = 1".encode("utf-16"), b"[", b""]
)
def test_a_file_that_is_no_design_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.toml"):
        read_design(path)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a directory"):
        read_design(tmp_path)


def test_a_curve_beside_the_design_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "ocp.csv").write_text("0.3,4.2\n0.9,3.6\n")
    data = a_design_data(cathode={"active": {"open_circuit_potential": "ocp.csv"}})
    path = write_toml(tmp_path / "cell.toml", data)
    assert read_design(path).cathode.active.open_circuit_potential == "ocp.csv"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_design_keeps_its_meaning_when_written(path: Path, tmp_path: Path) -> None:
    design = read_design(path)
    for data in path.parent.glob(f"{path.stem}.*.csv"):
        (tmp_path / data.name).write_text(data.read_text())
    copy = tmp_path / "copy.toml"
    write_design(design, copy)
    again = read_design(copy)
    assert again.model_dump() == design.model_dump()
    assert again.digest == design.digest
    assert write_design(again) == write_design(design)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_design_has_a_name_and_a_note_with_its_origin(path: Path) -> None:
    design = read_design(path)
    assert design.name != "unnamed cell"
    assert design.note


def quantity(unit: str, low: float, high: float) -> st.SearchStrategy[str]:
    return st.floats(low, high).map(lambda number: f"{number!r} {unit}")


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=40)
collectors = st.fixed_dictionaries(
    {"material": st.sampled_from(["Al", "Cu", "Ni"]), "thickness": quantity("um", 1, 50)}
)


@st.composite
def recipes(draw: st.DrawFn) -> dict[str, str]:
    active = draw(st.integers(500, 950))
    carbon = draw(st.integers(1, 40))
    return {
        "NMC811": f"{active / 10} %",
        "VGCF": f"{carbon / 10} %",
        "Li6PS5Cl": f"{(1000 - active - carbon) / 10} wt%",
    }


@st.composite
def electrodes(draw: st.DrawFn) -> dict[str, Any]:
    amount = draw(
        st.sampled_from(
            [("thickness", "um", 1, 500), ("loading", "mg/cm2", 1, 60), ("areal_capacity", "mAh/cm2", 0.1, 10)]
        )
    )
    dense = draw(st.sampled_from([("porosity", "%", 0, 60), ("density", "g/cm3", 1, 4)]))
    electrode: dict[str, Any] = {"recipe": draw(recipes()), "collector": draw(collectors)}
    for name, unit, low, high in (amount, dense):
        electrode[name] = draw(quantity(unit, low, high))
    electrode["active"] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "specific_capacity": quantity("mAh/g", 100, 300),
                "mean_voltage": quantity("V", 2, 5),
                "initial_efficiency": quantity("%", 50, 100),
                "density": quantity("kg/m3", 4000, 5000),
                "diffusivity": quantity("cm2/s", 1e-16, 1e-9),
                "maximum_concentration": quantity("mol/L", 1, 80),
                "stoichiometry": st.sampled_from([[0.27, 0.9084], [0.4, 1.0]]),
            },
        )
    )
    transport = draw(
        st.sampled_from(
            [
                None,
                {"kind": "given", "ionic": "0.3 mS/cm", "electronic": "5 S/m"},
                {"kind": "closure"},
                {
                    "kind": "closure",
                    "ionic": {"law": "percolation", "threshold": "20 %"},
                    "electronic": {"law": "maxwell"},
                },
                {"kind": "closure", "ionic": {"law": "bruggeman", "exponent": 2.5}},
            ]
        )
    )
    return electrode if transport is None else {**electrode, "transport": transport}


@st.composite
def anodes(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["lithium", "composite", "none"]))
    if kind == "composite":
        return {**draw(electrodes()), "kind": kind}
    anode: dict[str, Any] = {"kind": kind, "collector": draw(collectors)}
    if kind == "lithium":
        anode |= draw(
            st.sampled_from([{"np_ratio": 2}, {"np_ratio": 1.3}, {"thickness": "20 um"}, {"thickness": "0.02 mm"}])
        )
    return anode


@st.composite
def pouches(draw: st.DrawFn) -> dict[str, Any]:
    pouch: dict[str, Any] = {
        "convention": draw(st.sampled_from(["pouch", "wang2021"])),
        "width": draw(quantity("mm", 10, 500)),
        "height": draw(quantity("cm", 1, 50)),
        "cathode_sheets": draw(st.integers(1, 100)),
    }
    return pouch | draw(
        st.fixed_dictionaries(
            {},
            optional={
                "stacking": st.sampled_from(["parallel", "bipolar"]),
                "end_anodes": st.sampled_from(["coated", "bare"]),
                "lithium": st.sampled_from(["total", "reserve"]),
                "capacity_basis": st.sampled_from(["reversible", "first charge", "delivered"]),
                "thickness_state": st.sampled_from(["assembled", "charged"]),
                "other_mass": quantity("%", 0, 20),
                "overhang": quantity("mm", 0, 3),
                "mean_voltage": quantity("V", 1, 5),
                "package": st.just({"thickness": "0.1 mm", "density": "1.5 g/cm3", "rim": "2 mm"}),
            },
        )
    )


designs = st.fixed_dictionaries(
    {
        "format": st.just(1),
        "cathode": electrodes(),
        "separator": st.fixed_dictionaries(
            {"electrolyte": st.sampled_from(["Li6PS5Cl", "LPSCl", "Li10GeP2S12"]), "thickness": quantity("um", 1, 100)},
            optional={
                "conductivity": quantity("S/cm", 1e-6, 1e-1),
                "density": quantity("g/cm3", 1, 3),
                "porosity": quantity("%", 0, 30),
            },
        ),
        "anode": anodes(),
        "pouch": pouches(),
    },
    optional={
        "name": names,
        "note": names.map(lambda line: f"{line}\n\"\"\"'''\n\\{line}"),
        "temperature": quantity("degC", -50, 200),
        "stack_pressure": quantity("MPa", 0, 500),
        "targets": st.just({"specific_energy": "400 Wh/kg", "coulombic_efficiency": "99.98 %"}),
        "vehicle": st.just({"cell_mass": "300 kg", "distance_per_energy": "6.1 km/kWh", "pack_factor": "70 %"}),
        "materials": st.just(
            {"Li6PS5Cl": {"density": "1.7 g/cm3"}, 'odd "name" µ.': {"kind": "binder", "density": "1 g/cm3"}}
        ),
    },
)


@given(designs)
def test_any_design_keeps_its_meaning_when_written(data: dict[str, Any]) -> None:
    design = design_from(data)
    again = design_from(tomllib.loads(write_design(design)))
    assert again == design
    assert again.digest == design.digest


def test_a_design_made_in_python_reads_back(tmp_path: Path) -> None:
    design = replace(a_design(), anode=a_design(anode=NO_ANODE).anode, name="from Python")
    write_design(design, tmp_path / "cell.toml")
    assert read_design(tmp_path / "cell.toml").model_dump() == design.model_dump()


def test_a_default_transport_survives_writing() -> None:
    design = a_design()
    changed = replace(design, cathode=replace(design.cathode, transport=ClosureTransport()))
    assert design_from(tomllib.loads(write_design(changed))).cathode.transport == ClosureTransport()


def test_the_digest_is_that_of_the_meaning_not_of_the_spelling() -> None:
    design = a_design()
    assert len(design.digest) == 64
    assert a_design(cathode={"thickness": "70.0 µm"}).digest == design.digest
    assert a_design(cathode={"thickness": "7e-5 m"}).digest == design.digest
    assert a_design(cathode={"porosity": "0.1"}).digest == design.digest
    assert a_design(vehicle={"cell_mass": "400 kg"}).digest == design.digest  # the default, written out
    backwards = dict(reversed(a_design_data()["cathode"]["recipe"].items()))
    assert a_design(cathode={"recipe": backwards}).digest == design.digest


@pytest.mark.parametrize(
    "change",
    [
        cathode(thickness="70.0001 um"),
        cathode(thickness=None, loading="20 mg/cm2"),
        cathode(recipe={"NMC811": "81 %", "Li6PS5Cl": "19 %"}),
        {"temperature": "26 degC"},
        {"pouch": {"other_mass": "4 %"}},
        {"anode": {"np_ratio": 2.1}},
        {"materials": {"Li6PS5Cl": {"density": "1.7 g/cm3"}}},
    ],
)
def test_the_digest_changes_with_the_meaning(change: dict[str, Any]) -> None:
    assert a_design(**change).digest != a_design().digest


def test_a_convention_choice_overrides_the_preset_and_shows_in_its_name() -> None:
    choices = a_design(pouch={"other_mass": "3 %", "lithium": "reserve"}).pouch.choices
    assert (choices.other_mass, choices.lithium, choices.stacking) == (0.03, "reserve", "parallel")
    assert set(choices.overrides) == {"lithium", "other_mass"}
    assert choices.title.startswith("pouch, with own ")
    assert a_design().pouch.choices.title == "pouch"


@pytest.mark.parametrize("name", ["graphite", "Si", "LTO"])
def test_a_powder_is_no_foil_and_the_message_names_the_kind_that_it_needs(name: str) -> None:
    found = problems_with(a_design_data(anode={"material": name}))
    assert 'write kind = "composite"' in found["anode.material"]
