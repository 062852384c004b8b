"""Conduction on a device of PyTorch: the same numbers as from compiled code, in as many iterations. Here on its CPU."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from percolyte.errors import InputError
from percolyte.transport.conduction import Conduction
from percolyte.transport.voxels import conduct
from tests.images import H, a_volume, blobs


def on_both(labels: Any, sigma: dict[str, Any], **options: Any) -> tuple[Conduction, Conduction]:
    """By compiled code, and by PyTorch, which is not in every environment."""
    pytest.importorskip("torch", reason="PyTorch is an extra (gpu)")
    compiled, tensors = (
        conduct(a_volume(labels), sigma, threads=1, device=device, **{"errors": False, **options})
        for device in ("cpu", "torch:cpu")
    )
    return compiled, tensors


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 4), (7, 1, 3), (13, 20, 17)])
def test_a_full_block_conducts_like_its_phase(shape: tuple[int, int, int]) -> None:
    for sigma in ({"1": 0.3}, {"1": (0.3, 3.0, 0.03)}):
        assert on_both(np.ones(shape), sigma)[1].effective_conductivity == pytest.approx(0.3, rel=1e-6)


@pytest.mark.parametrize(
    "sigma",
    [
        {"1": 2.0},
        {"0": 1e-3, "1": 1.0},
        {"0": 1.0, "1": 1e-6},
        {"0": 1e-8, "1": 1.0},
        {"0": 1.0, "1": 1e8},
        {"0": 0.1, "1": (1.0, 1.0, 1e-3)},
    ],
)
def test_the_same_conductivity_follows_in_as_many_iterations(sigma: dict[str, Any]) -> None:
    """Each within its own error of 1e-4; the graphs are smoothed otherwise, which costs at most one iteration."""
    labels = blobs((41, 40, 36), 0.4, seed=3)
    compiled, tensors = on_both(labels, sigma)
    assert tensors.converged
    assert tensors.iterations <= compiled.iterations + 1
    assert tensors.effective_conductivity == pytest.approx(compiled.effective_conductivity, rel=2e-4)
    compiled, tensors = on_both(labels, sigma, rtol=1e-7)
    # rounding of the fields to 32 bits
    assert tensors.effective_conductivity == pytest.approx(compiled.effective_conductivity, rel=1e-5)


def test_the_multigrid_keeps_its_pace_on_larger_images() -> None:
    """Several graphs between the voxels and the one that is solved directly; a contrast that 32 bits would lose."""
    for fraction in (0.2, 0.5):
        for sigma in ({"1": 1.0}, {"0": 1.0, "1": 1e8}):
            counts = []
            for n in (32, 80):
                compiled, tensors = on_both(blobs((n, n, n), fraction, seed=1), sigma)
                assert tensors.effective_conductivity == pytest.approx(compiled.effective_conductivity, rel=2e-4)
                counts.append(tensors.iterations)
            assert max(counts) <= 7, (fraction, sigma, counts)


def test_errors_fields_and_interfaces_are_those_of_compiled_code() -> None:
    labels = blobs((32, 32, 33), 0.5, seed=1)
    particles = np.indices(labels.shape).sum(axis=0, dtype=np.int32) // 8
    for options in ({}, {"interfaces": {("1", "1"): 2.0 * H}, "particles": particles}):
        compiled, tensors = on_both(labels, {"1": 1.0}, errors=True, fields=True, axis=1, **options)
        assert compiled.relative_error is not None
        assert tensors.relative_error is not None
        assert tensors.relative_error.sampling == pytest.approx(compiled.relative_error.sampling, rel=0.01)
        assert tensors.lower_bound is not None
        assert tensors.lower_bound <= tensors.effective_conductivity
        assert tensors.lower_bound >= 0.99 * tensors.effective_conductivity
        assert compiled.fields is not None
        assert tensors.fields is not None
        # the solver's error of 1e-4 in the conductivity is one of 1e-2 in the potential
        np.testing.assert_allclose(tensors.fields.potential, compiled.fields.potential, atol=0.01)
        np.testing.assert_allclose(tensors.fields.plane_currents, 1.0, rtol=0.05)


def test_a_volume_that_does_not_percolate_is_a_result() -> None:
    labels = np.ones((6, 5, 4))
    labels[3] = 0
    assert on_both(labels, {"1": 1.0})[1].effective_conductivity == 0.0


def test_a_device_that_cannot_be_had_is_refused_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    volume = a_volume(np.ones((3, 3, 3)))
    with pytest.raises(InputError, match="write cpu, or one of PyTorch such as torch:cuda"):
        conduct(volume, {"1": 1.0}, device="gpu")
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "percolyte.numerics.device", raising=False)
    with pytest.raises(InputError, match=r"percolyte\[gpu\]"):
        conduct(volume, {"1": 1.0}, device="torch:cuda")


def test_a_device_that_pytorch_does_not_know_is_refused() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is an extra (gpu)")
    volume = a_volume(np.ones((3, 3, 3)))
    for name in ("nonsense", *(() if torch.cuda.is_available() else ("cuda",))):
        with pytest.raises(InputError, match=f"PyTorch cannot use '{name}'"):
            conduct(volume, {"1": 1.0}, device=f"torch:{name}")
