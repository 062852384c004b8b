"""What leaves for other programs, and what comes back from them and from cyclers."""

from __future__ import annotations

import ast
import importlib
import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from percolyte.cell.kernel import Planar
from percolyte.cell.measured import Discharge
from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.cell.protocol import discharge
from percolyte.cell.run import simulate
from percolyte.errors import InputError
from percolyte.interchange.bpx import bpx_data, cell_from_bpx, read_bpx, write_bpx
from percolyte.interchange.curves import joined, thinned
from percolyte.interchange.cycler import discharges, parse_cycler, read_cycler
from percolyte.interchange.expression import parse_expression
from percolyte.interchange.pybamm import export_pybamm


def falling(x: Any) -> Any:
    x = np.asarray(x, dtype=float)
    return 4.4 - 0.9 * x - 0.1 * np.tanh(8.0 * (x - 0.5)) - np.exp(60.0 * (x - 0.98))


def rising(x: Any) -> Any:
    return 0.4 + 1.2 * np.asarray(x, dtype=float)


def entropic(x: Any) -> Any:
    return 1e-4 - 3e-4 * np.exp(-50.0 * (np.asarray(x, dtype=float) - 0.6) ** 2)


def a_part(**changes: Any) -> ParticleClass:
    return replace(ParticleClass("NMC", 2.5e-6, 0.55, 5e-15, 50e3, 1.0, falling, 0.3, 0.9), **changes)


def a_cell(*parts: ParticleClass, anode: Any = None, **changes: Any) -> Cell:
    electrode = PorousElectrode(100e-6, 0.03, 5.0, parts or (a_part(),))
    metal = anode or Planar(0.62, 10.0, 2e-4, 298.15)
    cell = Cell(electrode, metal, 1.5e-4, 3e-4, 298.15, electrode.capacity, 0.2, 2.2, 4.6)
    return replace(cell, **changes)


def a_porous_anode() -> PorousElectrode:
    part = ParticleClass("graphite", 5e-6, 0.5, 1e-14, 30e3, 2.0, lambda x: 0.3 - 0.2 * np.asarray(x), 0.8, 0.05)
    return PorousElectrode(150e-6, 0.05, 50.0, (part,))


# --- tables and expressions ---


def test_a_thinned_curve_joined_again_is_the_curve_within_its_error() -> None:
    x, y = thinned(falling, 1e-4)
    fine = np.linspace(0.0, 1.0, 4097)
    # at the points of the grid the error is what was asked for
    assert np.abs(joined(x, y)(fine) - falling(fine)).max() <= 1e-4 * (1 + 1e-9)
    assert x.size < 400
    assert thinned(lambda at: 2.0 * at, 1e-9)[0].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4.1 - 0.5*x + exp(-30*x) * tanh(2.0)", 4.1 - 0.15 + np.exp(-9.0) * np.tanh(2.0)),
        ("-x**2", -0.09),
        ("2**-x", 2.0**-0.3),
        ("2**3**x", 2.0 ** (3.0**0.3)),
        ("3.3e-14", 3.3e-14),
        ("1/3", 1.0 / 3.0),
    ],
)
def test_an_expression_has_the_value_that_python_gives_it(text: str, value: float) -> None:
    found = parse_expression(text)(np.array([0.3, 0.3]))
    assert found.shape == (2,)
    assert found[0] == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(
    "text",
    ["__import__('os').system('ls')", "exit(x)", "y", "x.real", "[x for x in x]", "exp", "exp(x, 1)", "x if x else 1",
     "x +", "", "'a'", "True", "1j", "lambda: x", "x; x", "x == 1", "(" * 3000 + "x", "+".join(["x"] * 4000),
     "9" * 5000, "exp(x=1)", "x @ x", "x // 2"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_expression(text)


def test_a_tower_of_powers_ends_at_once_without_a_number_too_large() -> None:
    assert parse_expression("9**9**9**9")(np.array([0.5]))[0] == np.inf


# --- PyBaMM ---


def test_the_script_for_pybamm_compiles_and_holds_the_numbers(tmp_path: Path) -> None:
    path = tmp_path / "cell.py"
    cell = a_cell(a_part(film=2e-3, contact=0.5))
    lost = export_pybamm(cell, path)
    text = path.read_text(encoding="utf-8")
    compile(text, str(path), "exec")
    for line in (
        "CATHODE_THICKNESS = 0.0001",
        "IONIC_CONDUCTIVITY = 0.03",
        "EXCHANGE_CURRENT = 0.5",
        "FILM_RESISTANCE = 0.004",
        "ANODE_POTENTIAL = 0.62",
        "CHARGED, DISCHARGED = 0.3, 0.9",
        f"ONE_C = {cell.one_c!r}",
    ):
        assert line in text
    assert "import percolyte" not in text
    assert "$" not in text
    assert any("contact fraction" in said for said in lost)
    names: dict[str, Any] = {}
    start, end = text.index("SEPARATOR_THICKNESS ="), text.index("ANODE_EXCHANGE_CURRENT =")
    for line in text[start:end].splitlines():
        name, value = line.split("#")[0].split("=")
        names[name.strip()] = float(value)
    # every ohm in series: separator, contacts, film of the anode
    assert names["SEPARATOR_THICKNESS"] / names["SEPARATOR_CONDUCTIVITY"] == pytest.approx(6.5e-4, rel=1e-12)


def test_curves_of_diffusivity_and_exchange_current_go_into_the_script(tmp_path: Path) -> None:
    part = a_part(diffusivity_ratio=lambda x: np.exp(2.0 * (0.5 - np.asarray(x))), exchange_ratio=rising)
    export_pybamm(a_cell(part), tmp_path / "cell.py")
    text = (tmp_path / "cell.py").read_text(encoding="utf-8")
    compile(text, "cell.py", "exec")
    assert "DIFFUSIVITY_TABLE = (" in text
    assert "EXCHANGE_TABLE = (" in text


def test_the_script_for_pybamm_has_the_entropy_of_the_whole_cell(tmp_path: Path) -> None:
    """PyBaMM's half-cell counts potentials against the anode, so the anode's coefficient is taken off."""
    export_pybamm(a_cell(a_part(entropy=entropic), anode_entropy=2e-4), tmp_path / "cell.py")
    text = (tmp_path / "cell.py").read_text(encoding="utf-8")
    tables = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
            tables[ast.unparse(node.targets[0])] = np.array(ast.literal_eval(node.value))
    x = np.linspace(0.0, 1.0, 4097)
    found = np.interp(x, tables["ENTROPY_STOICHIOMETRY"], tables["ENTROPY"])
    # thinned to 1e-8 V/K, positions and values rounded to eight and ten decimals
    assert np.abs(found - (entropic(x) - 2e-4)).max() < 1.1e-8
    assert '"Positive electrode OCP entropic change [V.K-1]": entropic_change' in text


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (a_cell(anode=a_porous_anode()), "BPX"),
        (a_cell(a_part(), a_part(name="LCO")), "NMC, LCO"),
        (replace(a_cell(), cathode=replace(a_cell().cathode, kinetics="marcus")), "marcus"),
    ],
)
def test_a_cell_that_pybamms_half_cell_cannot_hold_is_refused(cell: Cell, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        export_pybamm(cell, tmp_path / "cell.py")


# --- BPX ---

CELLS = {
    "foil": a_cell(),
    "film and contact": a_cell(a_part(film=2e-3, contact=0.6, trusted=(0.25, 0.95))),
    "blend": a_cell(a_part(volume_fraction=0.3), a_part(name="LCO", radius=5e-6, volume_fraction=0.2)),
    "two sizes": a_cell(a_part(volume_fraction=0.3), a_part(radius=5e-6, volume_fraction=0.2)),
    "curves": a_cell(a_part(diffusivity_ratio=lambda x: np.exp(1.0 - 2.0 * np.asarray(x)), exchange_ratio=rising)),
    "porous anode": a_cell(anode=a_porous_anode()),
    "entropy": a_cell(a_part(entropy=entropic), anode_entropy=2e-4),
    "marcus": replace(a_cell(), cathode=replace(a_cell().cathode, kinetics="marcus", reorganisation=40e3)),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_comes_back_from_its_bpx_file(name: str, tmp_path: Path) -> None:
    cell = CELLS[name]
    losses = write_bpx(cell, tmp_path / "cell.json", title=name, sources={"i0": "own measurement"}, area=2e-3)
    assert losses
    found = read_bpx(tmp_path / "cell.json")
    assert (found.title, found.sources, found.losses) == (name, {"i0": "own measurement"}, [])
    back = found.cell
    for field in (
        "separator_resistance",
        "contact_resistance",
        "areal_capacity",
        "loading",
        "cut_off",
        "upper_limit",
        "anode_entropy",
    ):
        assert getattr(back, field) == pytest.approx(getattr(cell, field), rel=1e-12)
    for side in ("cathode", "anode"):
        there, here = getattr(cell, side), getattr(back, side)
        if isinstance(there, Planar):
            assert here == there
            continue
        assert (here.kinetics, here.reorganisation) == (there.kinetics, there.reorganisation)
        assert (here.ionic, here.electronic) == pytest.approx((there.ionic, there.electronic))
        for old, new in zip(there.classes, here.classes, strict=True):
            for field in ("name", "charged", "discharged", "film", "contact", "trusted", "radius"):
                assert getattr(new, field) == getattr(old, field)
            for field in ("volume_fraction", "exchange", "diffusivity", "site_concentration"):
                # the diffusivity of a table is that of its nearest points
                assert getattr(new, field) == pytest.approx(getattr(old, field), rel=1e-4)
            x = np.linspace(0.0, 1.0, 4097)
            assert np.abs(new.potential(x) - old.potential(x)).max() < 3e-5
            assert (new.entropy is None) == (old.entropy is None)
            if new.entropy is not None and old.entropy is not None:
                # the tables are thinned to 1e-8 V/K and written with seven digits
                assert np.abs(new.entropy(x) - old.entropy(x)).max() < 2e-8
    runs = [simulate(one, [discharge(1.0, one.cut_off)]) for one in (cell, back)]
    # tables of U within 0.02 mV and of D and i0 within 0.01 % move the end by less than this
    assert runs[1].areal_capacity == pytest.approx(runs[0].areal_capacity, rel=1e-4)


def test_the_standard_fields_state_the_nearest_cell_that_bpx_can_say() -> None:
    """Read without our extras: same capacity, same resistance, kinetics with the contact in them."""
    cell = a_cell(a_part(contact=0.6))
    data, losses = bpx_data(cell)
    assert any("contact fraction" in said for said in losses)
    data["Parameterisation"].pop("User-defined")
    found = cell_from_bpx(data).cell
    assert found.separator_resistance == pytest.approx(6.5e-4)
    assert found.cathode.classes[0].exchange == pytest.approx(0.6)
    assert isinstance(found.anode, PorousElectrode)
    assert found.open_circuit_voltage(charged=True) == pytest.approx(cell.open_circuit_voltage(charged=True), abs=1e-4)
    runs = [simulate(one, [discharge(1.0, one.cut_off)]) for one in (cell, found)]
    # the dummy electrode has 0.005 ohm cm2 of its own and a potential that does not move
    assert runs[1].areal_capacity == pytest.approx(runs[0].areal_capacity, rel=1e-3)
    assert runs[1].areal_energy == pytest.approx(runs[0].areal_energy, rel=1e-3)


@pytest.mark.parametrize("name", CELLS)
def test_the_file_keeps_to_the_schema_of_bpx(name: str) -> None:
    """Only numbers, tables and descriptions; efficiencies below one; and the bpx package agrees, where there is one."""
    data, _ = bpx_data(CELLS[name], sources={"i0": "own"})
    json.dumps(data, allow_nan=False)
    given = data["Parameterisation"]

    def check(section: dict[str, Any]) -> None:
        for key, value in section.items():
            if isinstance(value, dict) and set(value) != {"x", "y"}:
                check(value)
            elif isinstance(value, dict):
                assert len(value["x"]) == len(value["y"]) >= 2
            else:
                assert isinstance(value, str) if key == "description" else isinstance(value, int | float)

    check(given)
    for layer in ("Separator", "Positive electrode", "Negative electrode"):
        assert 0.0 < given[layer]["Transport efficiency"] <= 1.0
        assert 0.0 < given[layer]["Porosity"] < 1.0


@pytest.mark.parametrize("name", CELLS)
def test_the_bpx_package_accepts_the_file(name: str) -> None:
    with warnings.catch_warnings():
        # of the parser that the package imports, not of the file
        warnings.simplefilter("ignore")
        bpx = importlib.import_module("bpx")

        bpx.parse_bpx_obj(bpx_data(CELLS[name], sources={"i0": "own"})[0])


def changed(path: str, value: Any) -> dict[str, Any]:
    """The tables of a valid file with one entry set, or taken out by None."""
    data = bpx_data(a_cell())[0]
    *sections, name = path.split("/")
    table = data
    for section in sections:
        table = table.setdefault(section, {})
    if value is None:
        table.pop(name)
    else:
        table[name] = value
    return data


CATHODE = "Parameterisation/Positive electrode"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("Parameterisation/Electrolyte/Cation transference number", 0.26, "single-ion"),
        ("Header/Model", "SPM", "only DFN and SPMe"),
        ("Header/BPX", "0.4.0", "BPX 1.x is read"),
        (f"{CATHODE}/OCP (lithiation) [V]", 3.0, "hysteresis"),
        ("State/Degradation", {"LLI": 0.1}, "Degradation"),
        ("State/Initial conditions/Initial temperature [K]", 320.0, "isothermal"),
        (f"{CATHODE}/Thicknes [m]", 1e-4, r"did you mean 'Thickness \[m\]'"),
        (f"{CATHODE}/Thickness [m]", None, "is missing"),
        (f"{CATHODE}/Thickness [m]", -1e-4, "positive"),
        (f"{CATHODE}/OCP [V]", "exit(x)", "not allowed"),
        (f"{CATHODE}/OCP [V]", "log(x)", "not allowed"),
        (f"{CATHODE}/OCP [V]", "1/(x-x)", "not a potential"),
        (f"{CATHODE}/OCP [V]", {"x": [0, 1], "y": [4]}, "same length"),
        (f"{CATHODE}/Diffusivity [m2.s-1]", "1e-14*(x-0.2)", "not positive"),
        (f"{CATHODE}/Minimum stoichiometry", 0.95, "not rising"),
        (f"{CATHODE}/Entropic change coefficient [V.K-1]", "0.1*x", "within 0.01 V/K"),
        ("Parameterisation", None, "Parameterisation"),
    ],
)
def test_what_a_cell_cannot_represent_is_refused(path: str, value: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        cell_from_bpx(changed(path, value))


def test_what_is_left_out_on_reading_is_said() -> None:
    data = changed("Parameterisation/Electrolyte/Cation transference number", 0.26)
    data["Parameterisation"].pop("User-defined")
    data["Parameterisation"]["Electrolyte"]["Conductivity [S.m-1]"] = "0.5 + 1e-4 * x"
    data["Parameterisation"]["Positive electrode"] |= {
        "Diffusivity activation energy [J.mol-1]": 3e4,
        "Diffusivity [m2.s-1]": "1e-14 * exp(-x)",
        "OCP [V]": "4.3 - x + 0.1 * tanh(5 * (0.5 - x))",
        "Entropic change coefficient [V.K-1]": "-1e-4 * x",
    }
    found = cell_from_bpx(data, single_ion=True)
    text = " ".join(found.losses)
    for word in ("transference", "activation", "1000 mol/m3", "per gram"):
        assert word in text
    part = found.cell.cathode.classes[0]
    assert part.diffusivity == pytest.approx(1e-14 * np.exp(-0.5))
    assert part.diffusivity_ratio is not None
    assert part.diffusivity_ratio(np.array([0.2]))[0] == pytest.approx(np.exp(0.3))
    assert part.potential(np.array([0.5]))[0] == pytest.approx(3.8)
    assert part.entropy is not None
    assert part.entropy(np.array([0.5]))[0] == pytest.approx(-5e-5)
    assert np.isnan(found.cell.loading)


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cell.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"cell\.json.*is not JSON"):
        read_bpx(path)


# --- cyclers ---


def a_test(sign: float = -1.0) -> tuple[Any, Any, Any]:
    """Time, current in A and voltage of two cycles: charge, rest, discharge at 1 and 2 mA; `sign` of discharge."""
    time, current, voltage = [], [], []
    now = 0.0
    for amount in (1e-3, 2e-3):
        for kind, duration in ((-1.0, 3600e-3 / amount), (0.0, 600.0), (1.0, 3600e-3 / amount)):
            for step in np.linspace(0.0, 1.0, 21):
                time.append(now + step * duration)
                current.append(kind * sign * amount)
                voltage.append(4.2 if kind == 0.0 else (3.2 + step if kind < 0.0 else 4.15 - step))
            now += duration + 1.0
    return np.array(time), np.array(current), np.array(voltage)


def table(heading: list[str], *columns: Any, delimiter: str = ",", head: str = "") -> str:
    rows = [delimiter.join(heading)]
    rows += [delimiter.join(str(value) for value in row) for row in zip(*columns, strict=True)]
    return head + "\n".join(rows) + "\n"


def bdf(sign: float) -> str:
    time, current, voltage = a_test(sign)
    return table(["Test Time / s", "Voltage / V", "Current / A"], time, voltage, current)


def biologic(sign: float) -> str:
    time, current, voltage = a_test(sign)
    head = "EC-Lab ASCII FILE\nNb header lines : 6\n\nElectrode surface area : 1 cm²\nmA, V, time/s, cycles\n"
    names = ["mode", "ox/red", "time/s", "Ewe/V", "<I>/mA", "(Q-Qo)/mA.h", "cycle number"]
    zero = np.zeros(time.size)
    return table(names, zero, zero, time, voltage, 1e3 * current, zero, zero, delimiter="\t", head=head)


def neware(sign: float) -> str:
    time, current, voltage = a_test(sign)
    kind = ["Rest" if i == 0.0 else "CC DChg" if i * sign > 0 else "CC Chg" for i in current]
    clock = [f"{int(t // 3600)}:{int(t % 3600 // 60):02d}:{t % 60:06.3f}" for t in time]
    names = ["DataPoint", "Step Type", "Total Time", "Time(h:min:s.ms)", "Current(mA)", "Voltage(V)", "DChg. Cap.(mAh)"]
    zero = np.zeros(time.size)
    return table(names, zero, kind, clock, clock, 1e3 * np.abs(current), voltage, zero)


def european(sign: float) -> str:
    time, current, voltage = a_test(sign)
    text = table(["Zeit", "Time [h]", "Voltage [mV]", "Current [µA]"], time, time / 3600, 1e3 * voltage, 1e6 * current, delimiter=";")  # fmt: skip
    return text.replace(".", ",")


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize(("kind", "said"), [(bdf, "Battery"), (biologic, "BioLogic"), (neware, "Neware"), (european, "';'")])  # fmt: skip
def test_each_format_gives_the_same_two_discharges(kind: Callable[[float], str], said: str, sign: float) -> None:
    record = parse_cycler(kind(sign), area=1e-4)
    assert said in record.notes[0]
    found, left = discharges(record)
    assert left == ()
    # 1 and 2 mA on 1 cm2; 1 mAh/cm2 is 36 000 C/m2, and clock times are rounded to a millisecond
    assert [curve.current for curve in found] == pytest.approx([10.0, 20.0])
    for curve in found:
        assert curve.charge[0] == 0.0
        assert curve.charge[-1] == pytest.approx(36000.0, rel=1e-5)
        assert (curve.voltage[0], curve.voltage[-1]) == pytest.approx((4.15, 3.15))


def test_the_convention_of_the_sign_is_stated() -> None:
    assert any("charge positive, because" in note for note in parse_cycler(bdf(-1.0), area=1e-4).notes)
    assert any("discharge positive, because" in note for note in parse_cycler(bdf(1.0), area=1e-4).notes)
    turned = parse_cycler(bdf(1.0), area=1e-4, sign="charge positive")
    assert any("as given" in note for note in turned.notes)
    assert turned.current[0] == pytest.approx(-parse_cycler(bdf(1.0), area=1e-4).current[0])


def test_currents_per_area_need_no_area_and_a_capacity_stands_in_for_time() -> None:
    charge = np.linspace(0.0, 2.0, 30)
    text = table(["Capacity (mAh/cm2)", "Voltage (V)", "Current (mA/cm2)"], charge, 4.2 - charge / 2, np.full(30, 0.5))
    record = parse_cycler(text)
    (curve,), _ = discharges(record)
    assert curve.current == pytest.approx(5.0)
    assert curve.charge[-1] == pytest.approx(2.0 * 36000.0)


def test_step_times_that_start_anew_are_put_one_after_the_other() -> None:
    time, current, voltage = a_test()
    steps = np.tile(np.linspace(0.0, 3600.0, 21), 6)
    record = parse_cycler(table(["Time(s)", "Voltage(V)", "Current(A)"], steps, voltage, current), area=1e-4)
    assert (np.diff(record.time) >= 0.0).all()
    assert any("starts anew 5 times" in note for note in record.notes)
    assert time.size == record.time.size


def test_a_voltage_hold_is_no_discharge_and_is_counted() -> None:
    time = np.arange(60.0)
    current = np.where(time < 30.0, 1e-3, 1e-3 * np.exp(-(time - 30.0) / 20.0))
    voltage = np.where(time < 30.0, 4.0 - time / 60.0, 3.5)
    text = table(["Time / s", "Voltage / V", "Current / A"], [*time, *(time + 100)], [*voltage, *voltage],
                 [*current, *np.where(time < 30.0, 0.0, current)])  # fmt: skip
    with pytest.raises(InputError, match="no discharge at constant current"):
        discharges(parse_cycler(text, area=1e-4))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Time,Voltage,Current\n0,4,1\n1,3.9,1\n", "names no unit of"),
        ("Time / s,Current / A\n0,1\n1,1\n", "voltage"),
        ("hello\nworld\n", "no line of headings"),
        ("Test Time / s,Voltage / V,Current / A\n0,a,b\n", "0 lines of numbers"),
        ("Test Time / s,Voltage / V,Current / A\n" + "1,3.7,0.1\n" * 10, "does not tell"),
        (bdf(1.0), "give the area"),
    ],
)
def test_files_that_cannot_be_read_are_told_what_to_change(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_cycler(text, area=None if said == "give the area" else 1e-4)


def test_an_unsigned_current_without_step_types_is_not_guessed() -> None:
    time, current, voltage = a_test()
    text = table(["Time / s", "Voltage / V", "Current / A"], time, voltage, np.abs(current))
    with pytest.raises(InputError, match="does not tell"):
        parse_cycler(text, area=1e-4)


def test_files_in_the_encodings_of_makers_are_read(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16", "latin-1"):
        path = tmp_path / f"{encoding}.mpt"
        path.write_bytes(biologic(-1.0).encode(encoding))
        assert len(discharges(read_cycler(path, area=1e-4))[0]) == 2
    path.write_bytes(b"BIO-LOGIC MODULAR FILE\0\0\0")
    with pytest.raises(InputError, match="binary"):
        read_cycler(path, area=1e-4)
    with pytest.raises(InputError, match="cannot be read"):
        read_cycler(tmp_path / "none.csv")


def test_a_discharge_says_its_current_where_it_has_no_name() -> None:
    assert "1 mA/cm2" in str(Discharge(10.0, np.zeros(5), np.zeros(5)))
