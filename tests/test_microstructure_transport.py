"""Transport, contact and utilisation of a design from a voxel volume."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from percolyte import units
from percolyte.cell.model import PorousElectrode
from percolyte.design import Design, design_from, write_design
from percolyte.errors import InputError
from percolyte.evaluation import Evaluation, evaluate
from percolyte.layer_microstructure import layer_microstructure
from percolyte.microstructure.files import read_volume, write_volume
from percolyte.microstructure.imported import add, addition_from
from percolyte.microstructure.measure import measure
from percolyte.microstructure.networks import Roles
from percolyte.microstructure.pack import pack
from percolyte.microstructure.volume import Volume
from percolyte.pouch.stack import build_stack
from percolyte.report.html import render_report
from percolyte.report.tables import evaluation_json
from percolyte.report.transport_text import transport_text
from percolyte.resolution import resolve
from percolyte.transport import composite_volume, microstructure
from percolyte.transport.voxels import conduct
from tests.build import GRAPHITE_ANODE, a_design_data

LABELS = {"void": 0, "active": 1, "electrolyte": 2}
SMALL = {"kind": "microstructure", "size": "24 um", "voxel": "1 um"}
CARBON_FREE = {"NMC811": "80 %", "Li6PS5Cl": "20 %"}


def a_design(folder: Path, transport: dict[str, Any], **cathode: Any) -> Design:
    changes = {"recipe": CARBON_FREE, "transport": transport, **cathode}
    return design_from(a_design_data(cathode=changes), folder=folder)


def laminate(folder: Path, electrolyte: int = 6, active: int = 12, void: int = 2) -> Path:
    """Layers along axis 0, the electrolyte in the middle of the active material."""
    row = [1] * (active // 2) + [2] * electrolyte + [1] * (active - active // 2) + [0] * void
    labels = np.broadcast_to(np.array(row, np.uint8), (20, 20, len(row))).copy()
    write_volume(Volume(labels, (1e-6,) * 3, LABELS, "measured", "layers"), folder / "cathode.tif")
    return folder / "cathode.tif"


def own_conductivity(evaluation: Evaluation) -> float:
    """Of the electrolyte, S/m."""
    shown = [e.shown for e in evaluation.ledger.entries if e.where == "cathode.recipe.Li6PS5Cl.ionic_conductivity"]
    return units.parse(shown[0], units.CONDUCTIVITY)


def test_layers_of_a_file_conduct_as_their_volume_fraction(tmp_path: Path) -> None:
    laminate(tmp_path)
    found = evaluate(a_design(tmp_path, {"kind": "microstructure", "volume": "cathode.tif"}))
    structure = found.transport.structure
    assert structure is not None
    assert found.transport.kind == "microstructure"
    assert found.transport.ionic == pytest.approx(0.3 * own_conductivity(found), rel=1e-6)
    assert found.transport.ionic_tortuosity_factor == pytest.approx(1.0, rel=1e-6)
    assert found.transport.utilisation is not None
    assert found.transport.utilisation.value == 1.0


def test_electrolyte_added_to_an_image_conducts_and_counts_as_assumed(tmp_path: Path) -> None:
    row = np.array([1] * 7 + [0] * 6 + [1] * 7, np.uint8)
    labels = np.broadcast_to(row, (20, 20, 20)).copy()
    image = Volume(labels, (1e-6,) * 3, {"void": 0, "active": 1}, "measured", "layers")
    write_volume(add(image, [addition_from("electrolyte=30 %")]).volume, tmp_path / "cathode.tif")
    found = evaluate(a_design(tmp_path, {"kind": "microstructure", "volume": "cathode.tif"}))
    assert found.transport.ionic == pytest.approx(0.3 * own_conductivity(found), rel=1e-6)
    origins = {entry.where: entry.origin for entry in found.ledger.entries}
    assert origins["cathode.transport.ionic"] == origins["cathode.active.utilisation"] == "assumed"


def test_contact_of_layers_is_half_their_surface(tmp_path: Path) -> None:
    """Each layer of active material has electrolyte on one side; the void lies on one outer side, the other is cut."""
    row = [0] * 2 + [1] * 6 + [2] * 6 + [1] * 6 + [0] * 2
    labels = np.broadcast_to(np.array(row, np.uint8), (22, 22, len(row))).copy()
    write_volume(Volume(labels, (1e-6,) * 3, LABELS, "measured", "layers"), tmp_path / "cathode.tif")
    found = evaluate(a_design(tmp_path, {"kind": "microstructure", "volume": "cathode.tif"}))
    assert found.transport.contact_fraction is not None
    assert found.transport.contact_fraction.value == pytest.approx(0.5, rel=1e-9)


def test_a_generated_volume_gives_what_its_steps_give_by_hand(tmp_path: Path) -> None:
    design = a_design(tmp_path, {**SMALL, "seed": 3})
    found = evaluate(design)
    resolved = resolve(design)
    fractions, look = layer_microstructure(resolved, build_stack(resolved.inputs), "cathode")
    volume = pack({name: round(part, 9) for name, part in fractions.items()}, look, (24e-6,) * 3, 1e-6, 3).volume
    structure = found.transport.structure
    assert structure is not None
    assert np.array_equal(structure.volume.labels, volume.labels)
    measures = measure(volume, Roles(("active",), ("electrolyte",), ("active",)))
    assert measures.utilisation is not None
    assert measures.contact_fraction is not None
    assert found.transport.utilisation is not None
    assert found.transport.utilisation.value == measures.utilisation.value
    assert found.transport.contact_fraction is not None
    assert found.transport.contact_fraction.value == measures.contact_fraction.value
    assert 0.0 < found.transport.contact_fraction.value < 1.0
    by_hand = conduct(volume, structure.ionic_conductivities, threads=1).effective_conductivity
    assert found.transport.ionic == by_hand


def test_a_shell_is_electrolyte_in_a_generated_volume_and_in_one_of_a_file(tmp_path: Path) -> None:
    without = evaluate(a_design(tmp_path, SMALL)).transport
    design = a_design(tmp_path, SMALL, microstructure={"shell": "20 %"})
    found = evaluate(design).transport
    assert (found.ionic, found.utilisation) == (without.ionic, without.utilisation)
    assert without.structure is not None
    assert found.structure is not None
    assert found.structure.fractions == without.structure.fractions
    resolved = resolve(design)
    fractions, look = layer_microstructure(resolved, build_stack(resolved.inputs), "cathode")
    write_volume(pack(fractions, look, (24e-6,) * 3, 1e-6, 1).volume, tmp_path / "cathode.tif")
    of_file = evaluate(a_design(tmp_path, {"kind": "microstructure", "volume": "cathode.tif"})).transport
    # voxel lengths that were written as text may differ in the last digit
    assert of_file.ionic == pytest.approx(without.ionic, rel=1e-9)


def test_the_cell_has_the_utilisation_and_contact_of_the_volume_unless_the_design_states_its_own(
    tmp_path: Path,
) -> None:
    found = evaluate(a_design(tmp_path, SMALL), rates=[1.0])
    own = evaluate(a_design(tmp_path, SMALL, active={"utilisation": "80 %"}), rates=[1.0])
    contact, reached = found.transport.contact_fraction, found.transport.utilisation
    assert contact is not None
    assert reached is not None
    assert found.rate is not None, found.rate_missing
    assert own.rate is not None
    part, stated = found.rate.cell.cathode.classes[0], own.rate.cell.cathode.classes[0]
    whole = float(found.stack.cathode.volume_fractions["NMC811"])
    assert part.contact == contact.value
    assert part.volume_fraction == pytest.approx(whole * reached.value)
    assert stated.volume_fraction == pytest.approx(0.8 * whole)
    assert stated.contact == part.contact
    origins = {entry.where: entry.origin for entry in found.ledger.entries}
    assert origins["cathode.active.utilisation"] == origins["cathode.transport.ionic"] == "computed"
    assert "cathode.active.utilisation" not in {entry.where for entry in own.ledger.entries}


def test_a_volume_is_generated_once_in_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(*arguments: Any) -> Any:
        calls.append(arguments)
        return pack(*arguments)

    monkeypatch.setattr(composite_volume, "pack", counted)
    for thickness in ("60 um", "61 um", "62 um"):
        evaluate(a_design(tmp_path, {**SMALL, "seed": 11}, thickness=thickness))
    assert len(calls) == 1


def test_a_file_that_was_written_anew_is_read_again(tmp_path: Path) -> None:
    design = a_design(tmp_path, {"kind": "microstructure", "volume": laminate(tmp_path).name})
    first = evaluate(design).transport.ionic
    laminate(tmp_path, electrolyte=4, active=14)
    second = evaluate(design).transport.ionic
    assert first is not None
    assert second == pytest.approx(first * 4 / 6, rel=1e-6)


def test_components_may_name_the_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "cathode.npy", np.repeat(np.array([[[7], [9]]], np.uint8), 20, axis=0).repeat(10, axis=1))
    table = {"kind": "microstructure", "volume": "cathode.npy", "voxel": "1 um"}
    found = evaluate(a_design(tmp_path, {**table, "phases": {"NMC811": 7, "Li6PS5Cl": 9}}))
    assert found.transport.ionic == pytest.approx(0.5 * own_conductivity(found), rel=1e-6)


def test_scarce_electrolyte_with_perfect_contacts_is_doubted(tmp_path: Path) -> None:
    """60 and 84 wt% of NMC811: above and below 35 vol% of electrolyte in the layer."""

    def verdicts(percent: int, **more: Any) -> dict[str, str]:
        recipe = {"NMC811": f"{percent} %", "Li6PS5Cl": f"{100 - percent} %"}
        changes = {"recipe": recipe, "transport": {"kind": "surrogate"}, **more}
        design = design_from(a_design_data(cathode=changes), folder=tmp_path)
        return {check.name: check.verdict for check in evaluate(design).checks}

    name = "electrolyte of a generated cathode"
    assert [verdicts(percent)[name] for percent in (60, 84)] == ["pass", "warn"]
    assert name not in verdicts(84, transport={"kind": "closure"})
    generated = {"kind": "microstructure", "size": "24 um", "voxel": "1 um"}
    assert verdicts(84, transport=generated)[name] == "warn"
    assert name not in verdicts(84, transport=generated, microstructure={"seams": "open"})


def test_an_electrolyte_that_leads_nowhere_is_a_result_with_a_failed_check(tmp_path: Path) -> None:
    labels = np.ones((20, 20, 20), np.uint8)
    labels[5:9, 5:9, 5:9] = 2
    phases = {"active": 1, "electrolyte": 2}
    write_volume(Volume(labels, (1e-6,) * 3, phases, "measured", "block"), tmp_path / "cathode.tif")
    found = evaluate(a_design(tmp_path, {"kind": "microstructure", "volume": "cathode.tif"}), rates=[1.0])
    assert found.transport.ionic == 0.0
    assert found.rate is None
    assert "ions find no way from the separator" in found.rate_missing
    verdicts = {check.name: check.verdict for check in found.checks}
    assert verdicts["ways of ions through the cathode"] == "fail"
    assert verdicts["active material of the cathode that ions and electrons reach"] == "fail"
    assert verdicts["volume and recipe of the cathode"] == "warn"
    (apart,) = [check.value for check in found.checks if check.name == "volume and recipe of the cathode"]
    assert [part.split()[0] for part in apart.split(", ")] == ["active", "electrolyte", "void"]
    assert evaluation_json(found)["transport"]["percolates"]["ions"] is False
    assert "do not percolate" in render_report(found)


def test_a_coating_that_the_recipe_leaves_out_is_known_by_its_name(tmp_path: Path) -> None:
    labels = read_volume(laminate(tmp_path)).labels.copy()
    labels[:, :, 5] = 5
    phases = {**LABELS, "LiNbO3": 5}
    write_volume(Volume(labels, (1e-6,) * 3, phases, "measured", "coated layers"), tmp_path / "coated.tif")
    found = evaluate(a_design(tmp_path, {"kind": "microstructure", "volume": "coated.tif"}))
    assert found.transport.structure is not None
    assert found.transport.structure.fractions["coating"] == pytest.approx(0.05)


def test_an_imported_volume_of_the_recipe_passes_its_check(tmp_path: Path) -> None:
    first = evaluate(a_design(tmp_path, SMALL))
    assert first.transport.structure is not None
    write_volume(first.transport.structure.volume, tmp_path / "cathode.tif")
    found = evaluate(a_design(tmp_path, {"kind": "microstructure", "volume": "cathode.tif"}))
    assert {check.name: check.verdict for check in found.checks}["volume and recipe of the cathode"] == "pass"
    # voxel lengths that were written as text may differ in the last digit
    assert found.transport.ionic == pytest.approx(first.transport.ionic, rel=1e-9)


def test_an_error_of_half_an_order_is_found_exactly_and_one_of_first_order_is_not_missed() -> None:
    """σ(h) = 1 + c h^p: at h = 1 the error is c."""
    c = 0.3

    def found(order: float) -> float:
        here, coarser, finer = (1.0 + c * h**order for h in (1.0, 2.0, 0.5))
        return microstructure.resolution_error(here, coarser, finer)

    assert found(0.5) == pytest.approx(c)
    assert found(1.0) == pytest.approx(c * 0.5 / (1.0 - 0.5**0.5))
    # the finer drawing agrees by accident
    assert microstructure.resolution_error(1.3, 1.6, 1.3) == pytest.approx(0.5 * c)


def test_the_error_by_voxel_size_of_a_generated_volume_is_that_of_its_particles_on_other_voxels(tmp_path: Path) -> None:
    design = a_design(tmp_path, SMALL)
    structure = evaluate(design).transport.structure
    assert structure is not None
    assert structure.ionic is not None
    assert structure.ionic.relative_error is not None
    assert structure.ionic.relative_error.resolution is not None
    # packed anew on other voxels, as strewing depends on them a little: the same only in size
    others = [evaluate(a_design(tmp_path, {**SMALL, "voxel": voxel})).transport.ionic for voxel in ("2 um", "0.5 um")]
    worst = max(abs((ionic or 0.0) / structure.ionic.effective_conductivity - 1.0) for ionic in others)
    assert 0.2 * worst < structure.ionic.relative_error.resolution < 4.0 * worst


def test_an_error_beyond_the_number_itself_is_warned_of(tmp_path: Path) -> None:
    name = "error of the ionic conductivity of the cathode"
    fine = evaluate(a_design(tmp_path, SMALL, recipe={"NMC811": "70 %", "Li6PS5Cl": "30 %"}))
    assert {check.name: check.verdict for check in fine.checks}[name] == "pass"
    sizes = {"kind": "constant", "diameter": "5 um"}
    look = {"electrolyte": {"kind": "spheres", "sizes": sizes}, "seams": "open"}
    coarse = evaluate(
        a_design(tmp_path, SMALL, recipe={"NMC811": "85 %", "Li6PS5Cl": "15 %"}, microstructure=look, porosity="25 %")
    )
    assert coarse.transport.ionic_error is not None
    assert coarse.transport.ionic_error > 1.0
    assert {check.name: check.verdict for check in coarse.checks}[name] == "warn"


def test_an_imported_volume_says_that_its_error_is_from_the_image_alone(tmp_path: Path) -> None:
    generated = evaluate(a_design(tmp_path, {**SMALL, "voxel": "0.75 um"})).transport
    assert generated.structure is not None
    assert "image alone" not in generated.statement
    write_volume(generated.structure.volume, tmp_path / "cathode.tif")
    imported = evaluate(a_design(tmp_path, {"kind": "microstructure", "volume": "cathode.tif"})).transport
    assert "the error by voxel size is from the image alone" in imported.statement


def test_the_report_and_its_json_show_the_volume_beside_the_closed_forms(tmp_path: Path) -> None:
    found = evaluate(a_design(tmp_path, SMALL))
    said = evaluation_json(found)["transport"]
    parts = said["error_parts"]["ionic"]
    assert {"solver", "resolution", "sampling"} == parts.keys()
    assert said["errors"]["ionic_relative"] == pytest.approx(
        sum(part**2 for part in parts.values() if part is not None) ** 0.5
    )
    assert said["comparison"][0]["ionic_S_per_m"] > said["ionic_S_per_m"] > 0.0
    page = render_report(found)
    assert "<h2>Microstructure</h2>" in page
    assert "Slices of the volume" in page
    assert "Effective conductivities of the recipe by every means" in page
    assert "Bruggeman with exponent 1.5" in page
    titles = re.findall("<h2>(.*?)</h2>", page)
    assert titles[:3] == ["The stack", "Transport in the cathode", "Microstructure"]
    assert len(titles) == len(set(titles))
    assert "<code>cathode.<wbr>recipe.<wbr>NMC811.<wbr>specific_<wbr>capacity</code>" in page
    sources = [check.source for check in found.checks]
    assert found.transport.statement not in sources
    assert "the generated volume" in sources


def test_a_composite_anode_takes_its_transport_from_a_volume_too(tmp_path: Path) -> None:
    anode = {**GRAPHITE_ANODE, "transport": SMALL, "active": {**GRAPHITE_ANODE["active"], "particle_radius": "4 um"}}
    found = evaluate(design_from(a_design_data(anode=anode), folder=tmp_path), rates=[1.0])
    assert found.rate is not None, found.rate_missing
    entries = {entry.where: entry for entry in found.ledger.entries}
    assert entries["anode.transport.ionic"].origin == "computed"
    assert isinstance(found.rate.cell.anode, PorousElectrode)
    assert 0.0 < found.rate.cell.anode.classes[0].contact < 1.0
    assert found.transport.kind == "closure"
    assert found.anode_transport is not None
    assert evaluation_json(found)["anode_transport"]["ionic_S_per_m"] == found.rate.cell.anode.ionic
    page = render_report(found)
    assert "<h2>Microstructure of the anode</h2>" in page
    assert "<h2>Transport in the cathode</h2>" in page
    assert page.count("Slices of the volume") == 1
    names = {check.name for check in found.checks}
    assert names >= {
        "ways of ions through the anode",
        "active material of the anode that ions and electrons reach",
        "electrolyte of a generated anode",
    }
    assert "ways of ions through the cathode" not in names


def test_the_table_is_written_back_as_it_was_read(tmp_path: Path) -> None:
    laminate(tmp_path)
    table = {"kind": "microstructure", "volume": "cathode.tif", "voxel": "1 um", "phases": LABELS}
    design = a_design(tmp_path, table)
    assert design_from(tomllib.loads(write_design(design)), folder=tmp_path) == design


def test_grains_in_a_row_add_their_boundaries_to_the_ions_way(tmp_path: Path) -> None:
    """Layers along axis 0 as in `laminate`, the electrolyte cut in five grains of 4 um by a file of particles."""
    grains = np.zeros((20, 20, 20), np.int32)
    grains += (1 + np.arange(20)[:, None, None] // 4) * read_volume(laminate(tmp_path)).mask("electrolyte")
    np.save(tmp_path / "grains.npy", grains)
    table = {"kind": "microstructure", "volume": "cathode.tif", "particles": "grains.npy"}
    between = {"between": ["electrolyte", "electrolyte"], "resistance": "0.3 ohm cm2"}
    found = evaluate(a_design(tmp_path, {**table, "interfaces": [between]}))
    exact = 0.3 * 20e-6 / (20e-6 / own_conductivity(found) + 4 * 0.3e-4)
    assert found.transport.ionic == pytest.approx(exact, rel=1e-6)
    assert "0.3 ohm cm2 between particles of electrolyte" in found.transport.statement
    entries = {entry.where: entry for entry in found.ledger.entries}
    entry = entries["cathode.transport.interfaces.electrolyte-electrolyte"]
    assert (entry.shown, entry.origin, entry.note) == ("0.3 ohm cm2", "yours", "particles numbered in grains.npy")
    assert evaluation_json(found)["transport"]["interfaces"] == [
        {"between": ["electrolyte", "electrolyte"], "resistance_ohm_cm2": pytest.approx(0.3)}
    ]
    page = render_report(found)
    assert "0.3 ohm cm2 between particles of electrolyte" in page
    assert "numbered in grains.npy" in page
    np.save(tmp_path / "grains.npy", np.minimum(grains, 2))
    healed = evaluate(a_design(tmp_path, {**table, "interfaces": [between]}))
    exact = 0.3 * 20e-6 / (20e-6 / own_conductivity(found) + 0.3e-4)
    assert healed.transport.ionic == pytest.approx(exact, rel=1e-6)


def test_a_generated_volume_knows_its_particles_and_its_boundaries_resist(tmp_path: Path) -> None:
    between = {"between": ["electrolyte", "electrolyte"], "resistance": "0.1 ohm cm2"}
    design = a_design(tmp_path, {**SMALL, "seed": 3, "interfaces": [between]})
    found = evaluate(design)
    resolved = resolve(design)
    fractions, look = layer_microstructure(resolved, build_stack(resolved.inputs), "cathode")
    packed = pack({name: round(part, 9) for name, part in fractions.items()}, look, (24e-6,) * 3, 1e-6, 3)
    structure = found.transport.structure
    assert structure is not None
    assert structure.particles == "as generated"
    contact = {("electrolyte", "electrolyte"): 1e-5}
    by_hand = conduct(
        packed.volume, structure.ionic_conductivities, interfaces=contact, particles=packed.particles, threads=1
    )
    assert found.transport.ionic == by_hand.effective_conductivity
    without = evaluate(a_design(tmp_path, {**SMALL, "seed": 3})).transport
    assert without.ionic is not None
    assert by_hand.effective_conductivity < 0.9 * without.ionic
    assert design_from(tomllib.loads(write_design(design)), folder=tmp_path) == design


def test_a_boundary_that_no_known_conductivity_meets_is_warned_of(tmp_path: Path) -> None:
    """The library has an electronic conductivity of VGCF, but none of NMC811."""
    between = {"between": ["carbon", "active"], "resistance": "1 ohm cm2"}
    recipe = {"NMC811": "78 %", "Li6PS5Cl": "20 %", "VGCF": "2 %"}
    found = evaluate(a_design(tmp_path, {**SMALL, "interfaces": [between]}, recipe=recipe))
    structure = found.transport.structure
    assert structure is not None
    assert structure.interfaces == {}
    assert any("changes nothing" in warning for warning in structure.warnings)


def test_why_electrons_are_unknown_is_the_same_everywhere(tmp_path: Path) -> None:
    """The library has an electronic conductivity of VGCF, whose fibres are too few, but none of NMC811."""
    recipe = {"NMC811": "78 %", "Li6PS5Cl": "21 %", "VGCF": "1 %"}
    for transport in (SMALL, {"kind": "closure"}):
        found = evaluate(a_design(tmp_path, transport, recipe=recipe), rates=[1.0])
        why = "VGCF alone does not percolate, and the electronic conductivity of NMC811 is not known"
        assert found.transport.electronic is None
        assert found.transport.unknown == {"electronic": why}
        assert found.transport.alternatives[0].electronic is None
        assert evaluation_json(found)["transport"]["unknown"] == {"electronic": why}
        taken = f"{why}; the cell model takes 10 mS/cm, high enough not to limit"
        assert taken in " ".join(transport_text(found).split())
        page = render_report(found)
        assert f"unknown ({taken})" in page
        assert "no conductor with a known" not in page
        (entry,) = [entry for entry in found.ledger.entries if entry.where == "cathode.transport.electronic"]
        assert (entry.origin, entry.source) == ("assumed", f"{why}; taken high enough not to limit")


def test_an_error_that_was_not_estimated_is_not_stated_and_warnings_of_the_volume_are_said(tmp_path: Path) -> None:
    recipe = {"NMC811": "50 %", "Li6PS5Cl": "50 %"}
    found = evaluate(
        a_design(tmp_path, {**SMALL, "voxel": "5 um"}, recipe=recipe, active={"particle_radius": "2.5 um"})
    )
    assert found.transport.ionic
    assert found.transport.ionic_error is None
    said = " ".join(transport_text(found).split())
    assert "±" not in said
    assert "error not estimated" in said
    assert "warning: active particles of 5 um are 1 voxel across" in said
    assert evaluation_json(found)["transport"]["errors"]["ionic_relative"] is None


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "no such file": ({"volume": "absent.tif"}, "cathode.transport.volume", "there is no file 'absent.tif'"),
    "outside of the folder": ({"volume": "../cathode.tif"}, "cathode.transport.volume", "leads out of"),
    "no voxel length": (
        {"volume": "bare.npy", "phases": {"active": 1, "electrolyte": 2}},
        "cathode.transport.voxel",
        "voxel = '0.5 um'",
    ),
    "unknown phase": (
        {"volume": "bare.npy", "voxel": "1 um", "phases": {"actve": 1, "electrolyte": 2}},
        "cathode.transport.phases",
        "did you mean 'active'",
    ),
    "an unknown phase where labels lack a name": (
        {"volume": "bare.npy", "voxel": "1 um", "phases": {"NMC622": 1}},
        "cathode.transport.phases",
        "'NMC622' is neither",
    ),
    "no names": ({"volume": "bare.npy", "voxel": "1 um"}, "cathode.transport.phases", "name the labels"),
    "a label that is not there": (
        {"volume": "bare.npy", "voxel": "1 um", "phases": {"active": 1, "electrolyte": 2, "void": 3}},
        "cathode.transport.phases",
        "label 3 for 'void' is not in the image",
    ),
    "no electrolyte": (
        {"volume": "bare.npy", "voxel": "1 um", "phases": {"active": 1, "void": 2}},
        "cathode.transport.phases",
        "no phase of the volume is electrolyte",
    ),
    "phases of no file": ({"phases": {"active": 1}}, "cathode.transport", "write volume"),
    "a file and a seed": ({"volume": "bare.npy", "seed": 2}, "cathode.transport", "exclude each other"),
    "an interface that nothing crosses": (
        {"interfaces": [{"between": ["active", "electrolyte"], "resistance": "1 ohm cm2"}]},
        "cathode.transport.interfaces.1.between",
        "film_resistance",
    ),
    "an interface of nobody": (
        {"interfaces": [{"between": ["electrolite", "active"], "resistance": "1 ohm cm2"}]},
        "cathode.transport.interfaces.1.between",
        "did you mean 'electrolyte'",
    ),
    "an interface twice": (
        {"interfaces": [{"between": ["electrolyte", "electrolyte"], "resistance": "1 ohm cm2"}] * 2},
        "cathode.transport.interfaces.2.between",
        "given twice",
    ),
    "an interface without a unit": (
        {"interfaces": [{"between": ["electrolyte", "electrolyte"], "resistance": 1.0}]},
        "cathode.transport.interfaces.1.resistance",
        "has no unit",
    ),
    "particles of no file": ({"particles": "bare.npy"}, "cathode.transport", "knows its own"),
    "particles that are not there": (
        {"volume": "bare.npy", "particles": "absent.npy"},
        "cathode.transport.particles",
        "no file 'absent.npy'",
    ),
    "particles of another shape": (
        {
            "volume": "bare.npy",
            "voxel": "1 um",
            "phases": {"active": 1, "electrolyte": 2},
            "particles": "words.npy",
            "interfaces": [{"between": ["electrolyte", "electrolyte"], "resistance": "1 ohm cm2"}],
        },
        "cathode.transport.particles",
        "voxel by voxel",
    ),
    "labels for particles": (
        {
            "volume": "bare.npy",
            "voxel": "1 um",
            "phases": {"active": 1, "electrolyte": 2},
            "particles": "bare.npy",
            "interfaces": [{"between": ["electrolyte", "electrolyte"], "resistance": "1 ohm cm2"}],
        },
        "cathode.transport.particles",
        "1 particle number in 'electrolyte'",
    ),
    "no voxel image": ({"volume": "words.tif"}, "cathode.transport.volume", ""),
    "too small for its particles": (
        {"size": "3 um"},
        "cathode.microstructure.active",
        "make the volume larger",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_volume_is_said(case: str, tmp_path: Path) -> None:
    changes, where, what = WRONG[case]
    np.save(tmp_path / "bare.npy", np.repeat(np.array([[[1, 2]]], np.uint8), 8, axis=0))
    np.save(tmp_path / "words.npy", np.ones((2, 2, 2), np.uint8))
    (tmp_path / "words.tif").write_text("no picture", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        evaluate(a_design(tmp_path, {"kind": "microstructure", **changes}))
    assert any(problem.where == where and what in problem.what for problem in caught.value.problems), str(caught.value)
