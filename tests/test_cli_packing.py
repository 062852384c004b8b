"""The commands on voxel volumes: the keys that other programs rely on, and what bad input is answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from percolyte.cli import app, main
from percolyte.design import design_from, write_design
from percolyte.errors import InputError
from percolyte.files import read_toml
from percolyte.microstructure.files import open_image, read_volume
from tests.build import a_design_data, problems_with, write_toml

LOOK = {
    "active": {"kind": "polyhedra", "sizes": {"kind": "lognormal", "d50": "5 um", "spread": 1.3}},
    "electrolyte": {"kind": "spheres", "sizes": {"kind": "constant", "diameter": "3 um"}},
    "carbon": {"kind": "fibres", "diameter": "0.5 um", "length": "6 um"},
    "binder": {"kind": "patches"},
}


def a_file(folder: Path, **changes: Any) -> str:
    data = a_design_data(cathode={"microstructure": LOOK, **changes})
    return str(write_toml(folder / "design.toml", data))


def packed(folder: Path, *words: str, **changes: Any) -> tuple[Any, Any]:
    """The JSON object of `pack`, and the stack that it wrote."""
    out = folder / "volume.tif"
    run = [
        "pack",
        a_file(folder, **changes),
        "--size",
        "20 um",
        "--voxel",
        "0.5 um",
        "--out",
        str(out),
        "--json",
        *words,
    ]
    done = CliRunner().invoke(app, run)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), tifffile.imread(out)


def test_pack_has_the_keys_that_programs_rely_on_and_writes_what_it_says(tmp_path: Path) -> None:
    found, labels = packed(tmp_path)
    assert {"volume_fraction", "seconds"} <= found.keys()
    assert list(labels.shape) == found["shape"] == [40, 40, 40]
    for phase, label in found["phases"].items():
        assert np.mean(labels == label) == pytest.approx(found["volume_fraction"][phase], abs=1e-12)
        # the bar is 0.5 %; what is met is one voxel of 64,000
        assert found["volume_fraction"][phase] == pytest.approx(found["asked_volume_fraction"][phase], abs=2e-5)
    assert found["volume_fraction"]["void"] == pytest.approx(0.10, abs=5e-5)


def test_pack_warns_of_a_form_whose_component_the_recipe_lacks(tmp_path: Path) -> None:
    design = a_file(tmp_path, recipe={"NMC811": "80 %", "Li6PS5Cl": "17 %", "PTFE": "3 %"})
    run = ["pack", design, "--size", "20 um", "--voxel", "0.5 um", "--out", str(tmp_path / "v.tif"), "--json"]
    found = json.loads(CliRunner().invoke(app, run).stdout)
    assert "the form of carbon draws nothing, as the recipe has none" in found["warnings"]


def test_pack_says_the_gradient_that_it_reached(tmp_path: Path) -> None:
    recipe = {"NMC811": "65 %", "Li6PS5Cl": "35 %"}
    design = a_file(tmp_path, recipe=recipe, microstructure={**LOOK, "gradient": 0.2})
    out = tmp_path / "v.tif"
    words = ["pack", design, "--size", "60 um, 20 um, 20 um", "--voxel", "0.5 um", "--out", str(out)]
    done = CliRunner().invoke(app, words)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("gradient")]
    assert line.endswith("of the active material, 0.2 asked for")
    planes = np.mean(tifffile.imread(out) == 1, axis=(1, 2))
    place = np.linspace(-1.0, 1.0, 2 * len(planes) + 1)[1::2]
    slope = np.polyfit(place, planes / planes.mean(), 1)[0]
    assert float(line.split()[1]) == pytest.approx(slope, rel=5e-3)
    assert 0.05 < slope < 0.35


def test_pack_takes_three_edges_and_numbers_the_particles(tmp_path: Path) -> None:
    ids = tmp_path / "ids.tif"
    found, labels = packed(tmp_path, "--size", "30 um, 20 um, 18 um", "--particles", str(ids))
    assert labels.shape == (60, 40, 36)
    assert open_image(ids).voxel == pytest.approx((5e-7,) * 3)
    with pytest.raises(InputError, match="look like numbers of particles"):
        read_volume(ids)
    again = tmp_path / "again.tif"
    packed(tmp_path, "--size", "30 um, 20 um, 18 um", "--particles", str(again))
    assert again.read_bytes() == ids.read_bytes()
    numbers = tifffile.imread(ids)
    assert numbers.shape == labels.shape
    assert len(np.unique(numbers[labels == found["phases"]["active"]])) == found["particles"]["active"]


def test_a_phase_that_has_no_voxel_is_missed(tmp_path: Path) -> None:
    recipe = {"NMC811": "79.8 %", "Li6PS5Cl": "20 %", "VGCF": "0.2 %"}
    found, _ = packed(tmp_path, "--voxel", "5 um", recipe=recipe)
    assert "carbon" not in found["phases"]
    assert any("carbon has" in warning and "not one voxel" in warning for warning in found["warnings"])


def test_the_voxel_length_stands_in_the_file(tmp_path: Path) -> None:
    packed(tmp_path)
    with tifffile.TiffFile(tmp_path / "volume.tif") as file:
        metadata = file.imagej_metadata
        assert metadata is not None
        assert metadata["spacing"] == pytest.approx(0.5)
        assert metadata["unit"] == "um"


def test_a_separator_is_packed_without_active_material(tmp_path: Path) -> None:
    found, labels = packed(tmp_path, "--layer", "separator")
    assert set(found["phases"]) <= {"void", "electrolyte"}
    assert np.mean(labels == 2) == pytest.approx(found["asked_volume_fraction"]["electrolyte"], abs=2e-5)


def test_the_table_reads_back_as_it_was_written(tmp_path: Path) -> None:
    design = design_from(read_toml(a_file(tmp_path)))
    assert design_from(read_toml(write_toml(tmp_path / "again.toml", read_toml_text(write_design(design))))) == design


def read_toml_text(text: str) -> Any:
    import tomllib

    return tomllib.loads(text)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size", "20"), "has no unit"),
        (("--size", "20 um, 30 um"), "neither one length nor three"),
        (("--size", "4 um"), "make the volume larger"),
        (("--voxel", "0 um"), "too small"),
        (("--voxel", "1 nm"), "take larger voxels"),
        (("--voxel", "13 um"), "particles of 3 um vanish in voxels of 13 um; take voxels of at most 0.75 um"),
        (("--layer", "anode"), "no composite layer of this design"),
        (("--out", "/dev/null/volume.tif"), "cannot be written"),
        (("--out", "volume.png"), "write for example volume.tif"),
    ],
)
def test_what_cannot_be_packed_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    arguments = ["--size", "20 um", "--voxel", "0.5 um", "--out", str(tmp_path / "v.tif"), *words]
    monkeypatch.setattr("sys.argv", ["percolyte", "pack", a_file(tmp_path), *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("look", "where", "said"),
    [
        ({"active": {"kind": "cubes"}}, "cathode.microstructure.active.kind", "'cubes' is not one of"),
        (
            {"active": {"kind": "spheres", "sizes": {"kind": "normal", "d50": "5 um"}}},
            "cathode.microstructure.active.sizes.kind",
            "'constant' (with diameter), 'lognormal' (with d50), 'table' (with sizes); did you mean 'lognormal'?",
        ),
        ({"active": {"kind": "spheres"}}, "cathode.microstructure.active.sizes", "is missing"),
        (
            {"active": {"kind": "spheres", "sizes": {"kind": "constant", "diameter": "5"}}},
            "cathode.microstructure.active.sizes.diameter",
            "has no unit",
        ),
        (
            {"active": {"kind": "spheres", "sizes": {"kind": "table", "sizes": [{"diameter": "5 um", "share": "50 %"}]}}},
            "cathode.microstructure.active.sizes",
            "add up to 50 %",
        ),
        ({"carbn": {"kind": "fibres"}}, "cathode.microstructure.carbn", "did you mean 'carbon'"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_named_with_its_place(look: dict[str, Any], where: str, said: str) -> None:
    found = problems_with(a_design_data(cathode={"microstructure": look}))
    assert said in found[where], found
