"""The command conduct: the keys that other programs rely on, and what bad input is answered."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from percolyte.cli import app, main

KEYS = {
    "effective_conductivity_S_per_m",
    "tortuosity_factor",
    "volume_fraction",
    "percolates",
    "relative_error",
    "seconds",
}


def a_file(folder: Path) -> str:
    """Half of it conducts, straight along axis 0 and 1."""
    labels = np.zeros((36, 34, 32), np.uint8)
    labels[:, :, :16] = 1
    np.save(folder / "volume.npy", labels)
    return str(folder / "volume.npy")


def test_the_keys_stay(tmp_path: Path) -> None:
    words = ["conduct", a_file(tmp_path), "--voxel", "0.5 um", "--conductivity", "1=2 mS/cm", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert data.keys() >= KEYS
    assert data["effective_conductivity_S_per_m"] == pytest.approx(0.1)
    assert data["tortuosity_factor"] == pytest.approx(1.0)
    across = json.loads(CliRunner().invoke(app, [*words, "--axis", "2"]).stdout)
    assert (across["percolates"], across["effective_conductivity_S_per_m"]) == (False, 0.0)
    assert across["tortuosity_factor"] is across["relative_error"] is None
    three = json.loads(CliRunner().invoke(app, [*words, "--axis", "all"]).stdout)["axes"]
    assert [one["percolates"] for one in three] == [True, True, False]


def test_contacts_between_particles_and_three_conductivities_are_taken(tmp_path: Path) -> None:
    """Halves of 18 voxels of 0.5 um, one particle each: 18 um / 0.4 S/m + 1 ohm cm2 over the half that conducts."""
    file = a_file(tmp_path)
    halves = np.repeat(np.array([5, 9], np.int32), 18)[:, None, None] * np.ones((1, 34, 32), np.int32)
    np.save(tmp_path / "particles.npy", halves * np.load(file))
    words = ["conduct", file, "--voxel", "0.5 um", "--conductivity", "1=4 mS/cm, 1 mS/cm, 2 mS/cm", "--no-errors"]
    contact = ["--interface", "1,1=1 ohm cm2", "--particles", str(tmp_path / "particles.npy")]
    done = CliRunner().invoke(app, [*words, *contact, "--json"])
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    exact = 0.5 * 18e-6 / (18e-6 / 0.4 + 1e-4)
    assert data["effective_conductivity_S_per_m"] == pytest.approx(exact, rel=1e-6)
    assert data["interfaces"] == [{"between": ["1", "1"], "resistance_ohm_cm2": 1.0}]
    assert data["relative_error"] is None
    apart = CliRunner().invoke(app, [*words, *contact[:2], "--axis", "1"])
    assert "1 particles, told apart at their necks" in apart.stderr
    assert "1 ohm cm2 between particles of 1" in apart.stdout
    assert "0.5 mS/cm" in apart.stdout
    assert "(error not estimated)" in apart.stdout


def test_a_way_that_leads_through_the_sides_is_found_where_the_volume_repeats(tmp_path: Path) -> None:
    labels = np.zeros((20, 6, 12), np.uint8)
    labels[:12, :, :3] = 1
    labels[8:, :, -3:] = 1
    np.save(tmp_path / "sides.npy", labels)
    words = ["conduct", str(tmp_path / "sides.npy"), "--voxel", "1 um", "--conductivity", "1=1 S/m", "--json"]
    closed, one, both = (
        json.loads(CliRunner().invoke(app, [*words, *more]).stdout)
        for more in ([], ["--periodic", "1"], ["--periodic", "1, 2"])
    )
    assert [each["percolates"] for each in (closed, one, both)] == [False, False, True]
    assert (closed["periodic"], both["periodic"]) == ([], [1, 2])


def test_fields_are_written(tmp_path: Path) -> None:
    out = tmp_path / "fields.npz"
    words = ["conduct", a_file(tmp_path), "--voxel", "0.5 um", "--conductivity", "1=2 mS/cm", "--out", str(out)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "bottleneck" in done.stdout
    assert np.load(out)["potential_V"].shape == (36, 34, 32)


def test_walkers_find_what_conduction_finds(tmp_path: Path) -> None:
    words = ["walk", a_file(tmp_path), "--voxel", "0.5 um", "--phase", "1", "--walkers", "64"]
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    # straight channels; four standard errors of a walk that short
    assert data["relative_diffusivity"] == pytest.approx([1.0, 1.0, 0.0], abs=4.0 * max(data["standard_error"]))
    assert data["percolates"] == [True, True, False]
    assert data["tortuosity_factor"][2] is None
    said = CliRunner().invoke(app, words).stdout
    assert "standard error" in said
    assert "axis 2: does not percolate" in said


def test_a_phase_that_leads_nowhere_has_no_tortuosity_factor_however_short_the_walk(tmp_path: Path) -> None:
    """Pockets of half of the volume, through which a walk seems to lead until it is long."""
    labels = np.ones((24, 20, 20), np.uint8)
    labels[12] = 0
    np.save(tmp_path / "volume.npy", labels)
    words = ["walk", str(tmp_path / "volume.npy"), "--voxel", "1 um", "--phase", "1", "--duration", "0.01", "--json"]
    data = json.loads(CliRunner().invoke(app, words).stdout)
    assert data["relative_diffusivity"][0] > 2.0 * data["standard_error"][0]
    assert data["tortuosity_factor"][0] is None
    assert None not in data["tortuosity_factor"][1:]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--conductivity", "1=2"], "has no unit"),
        (["--conductivity", "1=2 mS/cm", "--axis", "3"], "write 0, 1, 2 or all"),
        (["--conductivity", "salt=2 mS/cm"], "no phase 'salt'"),
        (["--conductivity", "1"], "NAME=VALUE"),
        (["--conductivity", "1=2 mS/cm", "--interface", "1=1 ohm cm2"], "NAME,NAME=VALUE"),
        (["--conductivity", "1=2 mS/cm, 1 mS/cm"], "one for each axis"),
        (["--conductivity", "1=2 mS/cm", "--particles", "absent.tif"], "--interface active,active"),
        (["--conductivity", "1=2 mS/cm", "--interface", "1,1=1 ohm cm2", "--particles", "absent.tif"], "no such file"),
        (["--conductivity", "1=2 mS/cm", "--interface", "a,a=1 ohm cm2"], "no phase 'a'"),
        (["--conductivity", "1=2 mS/cm", "--conductivity", "1=1 mS/cm"], "--conductivity 1: is given twice; keep one"),
        (["--conductivity", "1=2 mS/cm", *["--interface", "1,0=1 ohm cm2"] * 2], "--interface 1,0: is given twice"),
        (["--conductivity", "1=2 mS/cm", "--device", "gpu"], "write cpu"),
        (["--conductivity", "1=2 mS/cm", "--periodic", "lateral"], "write for example 1,2"),
        (["--conductivity", "1=2 mS/cm", "--periodic", "1", "--device", "torch:cpu"], "no periodic sides"),
        (["--conductivity", "1=2 mS/cm", "--out", "fields.csv"], "NumPy archive"),
    ],
)
def test_bad_input_is_answered_with_what_to_write(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["percolyte", "conduct", a_file(tmp_path), "--voxel", "0.5 um", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


def test_wrong_conductivities_and_interfaces_are_told_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["conduct", a_file(tmp_path), "--voxel", "0.5 um", "--conductivity", "1=2", "--interface", "1,1"]
    monkeypatch.setattr("sys.argv", ["percolyte", *words])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().err
    assert "--conductivity 1: '2' has no unit" in said
    assert "--interface: '1,1' is not NAME,NAME=VALUE" in said


def test_an_interface_that_no_current_crosses_is_said_to_be_without_effect(tmp_path: Path) -> None:
    words = ["conduct", a_file(tmp_path), "--voxel", "0.5 um", "--conductivity", "1=4 mS/cm", "--no-errors"]
    done = CliRunner().invoke(app, [*words, "--interface", "1,0=10 ohm cm2"])
    assert "the interface of 1 and 0 is without effect, as 0 insulates here" in done.stdout


def test_fields_that_do_not_exist_are_no_reason_to_withhold_the_result(tmp_path: Path) -> None:
    labels = np.zeros((6, 6, 6), dtype=np.uint8)
    labels[:3] = 1
    np.save(tmp_path / "v.npy", labels)
    words = ["conduct", str(tmp_path / "v.npy"), "--voxel", "1 um", "--conductivity", "1=1 S/m", "--json"]
    found = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "f.npz")])
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["percolates"] is False
    assert "is not written" in found.stderr
    assert not (tmp_path / "f.npz").exists()
