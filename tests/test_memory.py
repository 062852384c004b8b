"""What a job would take of the free memory is asked before it begins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from percolyte.design import design_from
from percolyte.errors import InputError
from percolyte.evaluation import evaluate
from percolyte.microstructure.imported import add, addition_from
from percolyte.microstructure.measure import measure
from percolyte.microstructure.memory import BYTES, ROOM
from percolyte.microstructure.networks import roles_of
from percolyte.microstructure.volume import Volume
from percolyte.transport.random_walk import random_walk
from percolyte.transport.voxels import conduct
from tests.build import a_design_data

EDGE = 40


def a_volume() -> Volume:
    labels = np.random.default_rng(1).integers(3, size=(EDGE,) * 3, dtype=np.uint8)
    return Volume(labels, (1e-6,) * 3, {"void": 0, "active": 1, "electrolyte": 2}, "measured", "drawn")


def free_memory(monkeypatch: pytest.MonkeyPatch, usable: float) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": usable / ROOM}))


@pytest.mark.parametrize(
    ("needed", "job"),
    [
        (BYTES["measure"], lambda v: measure(v, roles_of(v))),
        (BYTES["conduct one"], lambda v: conduct(v, {"electrolyte": 1.0}, errors=False)),
        (BYTES["conduct one"] + BYTES["fields"], lambda v: conduct(v, {"electrolyte": 1.0}, errors=False, fields=True)),
        (BYTES["conduct several"], lambda v: conduct(v, {"electrolyte": 1.0, "active": 2.0}, errors=False)),
        (BYTES["walk"], lambda v: random_walk(v, "electrolyte", walkers=2, duration=0.01)),
        (BYTES["add"], lambda v: add(v, [addition_from("carbon=1 %; diameter=1 um")])),
    ],
)
def test_a_job_is_refused_where_a_hundredth_is_missing_and_done_where_it_is_not(
    needed: float, job: Callable[[Volume], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    free_memory(monkeypatch, 0.99 * needed * EDGE**3)
    # 39 = 40 x 0.99^(1/3) in whole voxels
    with pytest.raises(InputError, match="--crop 0:39,0:39,0:39, or blocks of voxels with --coarsen 2"):
        job(a_volume())
    free_memory(monkeypatch, 1.01 * needed * EDGE**3)
    job(a_volume())


def test_a_design_whose_volume_does_not_fit_names_its_voxel_and_one_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = {"kind": "microstructure", "voxel": "0.5 um", "size": "40 um"}
    free_memory(monkeypatch, BYTES["cell"] * 40**3)
    with pytest.raises(InputError) as raised:
        evaluate(design_from(a_design_data(cathode={"transport": transport})))
    (problem,) = raised.value.problems
    assert problem.where == "cathode.transport.voxel"
    # half the edge in voxels is a voxel of twice the length
    assert "write voxel = '1 um', or a smaller size" in problem.what
    assert "crop" not in problem.what


def test_a_design_whose_file_does_not_fit_says_how_to_make_a_smaller_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "v.npy", a_volume().labels)
    transport = {"kind": "microstructure", "voxel": "0.5 um", "volume": "v.npy"}
    design = design_from(a_design_data(cathode={"transport": transport}), folder=tmp_path)
    free_memory(monkeypatch, 0.9 * BYTES["cell"] * EDGE**3)
    with pytest.raises(InputError) as raised:
        evaluate(design)
    (problem,) = raised.value.problems
    assert problem.where == "cathode.transport.volume"
    assert "write a smaller file by `percolyte volume`" in problem.what
