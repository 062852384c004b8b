"""What conduction in a volume reports: percolation, connections, fields, and what it refuses."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage

from percolyte.errors import InputError
from percolyte.microstructure.volume import Volume
from percolyte.numerics.conduction import build_network
from percolyte.report.conduction import axes_json, conduction_json, conduction_text, tensor_text, write_fields
from percolyte.transport.conduction import Connection, conductivity_tensor, transport_of
from percolyte.transport.voxels import conduct, conduct_axes
from tests.images import H, a_volume, blobs


def test_a_volume_that_does_not_percolate_is_a_result() -> None:
    labels = np.zeros((10, 10, 10))
    labels[:6, 2:4, 2:4] = 1
    labels[8:, 7, 7] = 1
    labels[4, 8, 8] = 1
    found = conduct(a_volume(labels), {"1": 1.0})
    assert (found.percolates, found.effective_conductivity, found.tortuosity_factor) == (False, 0.0, None)
    assert found.relative_error is None
    assert found.connections["1"] == Connection(0.0, inlet_only=24 / 27, outlet_only=2 / 27, isolated=1 / 27)


def test_sites_of_a_cubic_lattice_percolate_at_the_known_threshold() -> None:
    """0.3116 (Wang et al., Phys. Rev. E 87 (2013) 052107); 0.003 at 128 sites an edge, where single images scatter by 0.002."""
    half = np.full((3, 256), math.inf)
    half[:, 1] = 0.5
    found = []
    for seed in range(6):
        field = np.random.default_rng(seed).random((128, 128, 128), dtype=np.float32)
        low, high = 0.29, 0.33
        while high - low > 2e-4:
            middle = (low + high) / 2.0
            percolates = build_network((field < middle).astype(np.uint8), half).percolates
            low, high = (low, middle) if percolates else (middle, high)
        found.append(low)
    assert np.mean(found) == pytest.approx(0.3116, abs=0.003)


@pytest.mark.parametrize("sigma", [{"1": 1.0}, {"1": 1.0, "2": 2.0}])
def test_connections_agree_with_an_independent_labelling(sigma: dict[str, float]) -> None:
    rng = np.random.default_rng(5)
    labels = rng.choice(3, size=(25, 22, 19), p=[0.64, 0.3, 0.06]).astype(np.uint8)
    cluster, _ = scipy.ndimage.label(np.isin(labels, [int(name) for name in sigma]))
    inlet, outlet = (np.isin(cluster, cluster[end][cluster[end] > 0]) for end in (0, -1))
    found = conduct(a_volume(labels), sigma, errors=False).connections["1"]
    phase = labels == 1
    assert found.inlet_only == pytest.approx((inlet & ~outlet)[phase].mean())
    assert found.outlet_only == pytest.approx((outlet & ~inlet)[phase].mean())
    assert found.isolated == pytest.approx((~outlet & ~inlet)[phase].mean())
    assert found.through == pytest.approx((outlet & inlet)[phase].mean())


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_fields_find_the_bottleneck(axis: int) -> None:
    labels = np.zeros((24, 16, 18))
    labels[:, 2:14, 2:16] = 1
    labels[15] = 0
    labels[15, 7:9, 8:10] = 1  # in the middle, so that no mean current runs sideways
    sigma, length = 2.0, 24 * H
    found = conduct(a_volume(np.moveaxis(labels, 0, axis)), {"1": sigma}, axis=axis, fields=True, rtol=1e-7)
    fields, bottleneck = found.fields, found.bottleneck
    assert fields is not None
    assert bottleneck is not None
    assert bottleneck.plane == 15
    assert bottleneck.position[axis] == pytest.approx(15.5 * H)
    np.testing.assert_allclose(fields.plane_currents, 1.0, rtol=1e-3)
    assert fields.power.sum() == pytest.approx(1.0, rel=1e-5)
    mean = fields.current_density.mean(axis=(1, 2, 3), dtype=float)
    assert mean[axis] == pytest.approx(found.effective_conductivity / length, rel=1e-3)
    assert np.abs(np.delete(mean, axis)).max() < 1e-3 * mean[axis]
    along = np.nanmean(np.moveaxis(fields.potential, axis, 0), axis=(1, 2))
    assert np.all(np.diff(along) > 0.0)
    assert np.isnan(fields.potential[np.moveaxis(labels, 0, axis) == 0]).all()


def test_every_problem_of_the_arguments_is_named() -> None:
    volume = Volume(np.ones((4, 4, 4), np.uint8), (H, H, H), {"void": 0, "electrolyte": 1}, "generated", "test")
    with pytest.raises(InputError) as caught:
        conduct(
            volume,
            {"electrolite": -1.0, "void": math.nan},
            axis=3,
            interfaces={
                ("electrolyte", "electrolyte"): -1.0,
                ("void", "electrolyte"): 1.0,
                ("electrolyte", "void"): 1.0,
            },
            periodic=(1, 5),
            rtol=0.0,
        )
    text = str(caught.value)
    for words in (
        "did you mean 'electrolyte'",
        "-1.0 S/m",
        "nan S/m",
        "no phase conducts",
        "-1.0 ohm m2",
        "particles",
        "given twice",
        "3 is not an axis",
        "5 is not an axis",
        "rtol",
    ):
        assert words in text
    for wrong, said in (((1.0, 0.0, 1.0), "in all directions or in none"), ((1.0, 2.0), "three axes")):
        with pytest.raises(InputError, match=said):
            conduct(volume, {"electrolyte": wrong})  # type: ignore[dict-item]
    with pytest.raises(InputError, match="not that of the image"):
        conduct(volume, {"electrolyte": 1.0}, particles=np.zeros((2, 2, 2), np.int32))
    with pytest.raises(InputError, match="at least 3"):
        conduct(replace(volume, labels=volume.labels[:, :2]), {"electrolyte": 1.0}, periodic=(1,))


def test_what_is_no_volume_number_or_axis_is_refused_with_what_to_give() -> None:
    volume = a_volume(np.ones((4, 4, 4)))
    with pytest.raises(InputError, match="'1 mS/cm' is no number in S/m"):
        conduct(volume, {"1": "1 mS/cm"})  # type: ignore[dict-item]
    with pytest.raises(InputError, match=r"write for example \(1, 2\)"):
        conduct(volume, {"1": 1.0}, periodic=1)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="not of ndarray; make one of labels with"):
        conduct(volume.labels, {"1": 1.0})  # type: ignore[arg-type]


def test_sides_that_repeat_along_the_current_only_are_said_to_be_without_effect() -> None:
    volume = a_volume(np.ones((4, 4, 4)))
    notes = {axes: conduct(volume, {"1": 1.0}, periodic=axes, errors=False).notes for axes in ((0,), (1,), (0, 1))}
    assert "repeats along axis 0 is without effect" in notes[0,][0]
    assert notes[1,] == notes[0, 1] == ()


def test_a_vanishing_conductivity_is_taken_as_none_and_said() -> None:
    labels = np.zeros((8, 8, 8))
    labels[:4] = 1
    found = conduct(a_volume(labels), {"0": 1e-14, "1": 1.0}, errors=False)
    assert not found.percolates
    assert "0 conducts less than 1e-12" in found.notes[0]


def test_layers_at_45_degrees_lead_current_across_the_field() -> None:
    """Exact for voxels: the mean and the harmonic mean of the faces' conductances, half their sum along the field, half
    their difference across it.

    Inlet and outlet turn the current within about a period, so what they add falls as one over the length: lengths of n
    and 2n extrapolate to the infinite structure. The solver leaves 1e-7 of the energy, 3e-4 of a current.
    """
    n, resistance = 24, np.array([1.0, 0.625, 0.25, 0.625])
    mean, harmonic = float(np.mean(1.0 / resistance)), 1.0 / float(np.mean(resistance))
    tensors = []
    for length in (n, 2 * n):
        layers = (np.arange(length)[:, None, None] + np.arange(n)[:, None] + np.zeros(6, int)) % 4 // 2
        volume = a_volume(layers, (H, H, 2 * H))
        axes = conduct_axes(volume, {"0": 1.0, "1": 4.0}, periodic=(0, 1, 2), rtol=1e-7, errors=False)
        tensors.append(np.array(conductivity_tensor(axes), float))
    short, long = tensors
    assert short[0, 1] == pytest.approx(short[1, 0], abs=3e-4)
    assert 2.0 * long[1, 0] - short[1, 0] == pytest.approx((harmonic - mean) / 2.0, abs=3e-4)
    assert 2.0 / long[0, 0] - 1.0 / short[0, 0] == pytest.approx(2.0 / (mean + harmonic), abs=3e-4)
    assert long[2, :2] == pytest.approx(0.0, abs=3e-4)
    assert long[:2, 2] == pytest.approx(0.0, abs=3e-4)


def test_the_tensor_is_undefined_where_sides_are_closed() -> None:
    volume = a_volume(blobs((12, 12, 12), 0.6, seed=2))
    half_open = conduct_axes(volume, {"1": 1.0}, periodic=(1,), errors=False)
    tensor = conductivity_tensor(half_open)
    assert [[value is None for value in row] for row in tensor] == [
        [False, True, True],
        [False, False, False],
        [True, True, False],
    ]
    closed = conduct_axes(volume, {"1": 1.0}, errors=False)
    assert "not defined with closed sides" in tensor_text(closed)
    assert axes_json(closed)["conductivity_tensor_S_per_m"][0][1:] == [None, None]
    assert axes_json(half_open)["axes"][0]["tensor_column_S_per_m"][1] == tensor[1][0]
    assert tensor_text(half_open).count("closed") == 4


def test_the_result_prints_with_its_error_and_its_conventions(tmp_path: Path) -> None:
    labels = blobs((33, 32, 32), 0.5, seed=1)
    found = conduct(a_volume(labels), {"1": 0.2}, fields=True)
    data = json.loads(json.dumps(conduction_json(found), allow_nan=False))
    assert data["tortuosity_factor"] == pytest.approx(labels.mean() * 0.2 / data["effective_conductivity_S_per_m"])
    assert data["relative_error"] == pytest.approx(math.hypot(*data["relative_error_parts"].values()))
    assert data["lower_bound_S_per_m"] <= data["effective_conductivity_S_per_m"]
    shown = conduction_text(found)
    for words in ("mS/cm", "φ σ/σ_eff", "voxel size", "from end to end", "bottleneck"):
        assert words in shown
    write_fields(found, tmp_path / "fields.npz")
    assert np.load(tmp_path / "fields.npz")["potential_V"].shape == labels.shape
    labels[5] = 0
    dead = conduct(a_volume(labels), {"1": 0.2})
    assert conduction_json(dead)["relative_error"] is None
    assert "does not percolate" in conduction_text(dead)
    with pytest.raises(InputError, match="no fields"):
        write_fields(dead, tmp_path / "none.npz")


def test_later_steps_receive_a_transport_that_says_where_it_is_from() -> None:
    labels = np.zeros((16, 8, 8))
    labels[:, :4] = 1
    ionic = conduct(a_volume(labels), {"1": 0.2})
    electronic = conduct(a_volume(labels), {"0": 10.0}, errors=False, interfaces={("0", "1"): 1e-3})
    found = transport_of(ionic, electronic)
    assert found.kind == "microstructure"
    assert found.ionic == pytest.approx(0.1)
    assert found.electronic == pytest.approx(5.0)
    assert found.ionic_tortuosity_factor == pytest.approx(1.0)
    assert "axis 0" in found.statement
    assert "1 mS/cm" in found.statement
    assert "10 ohm cm2 between 0 and 1" in found.statement
