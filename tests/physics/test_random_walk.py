"""Random walks: free space, layers, pockets, and agreement with conduction, which solves the same by other means.

Seeds are fixed, so that a test that passes passes always; statistics allow three standard errors, four where
many numbers are compared at once.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from percolyte.errors import InputError
from percolyte.report.conduction import walk_json, walk_text
from percolyte.transport.random_walk import Walk, random_walk
from tests.images import H, a_volume, blobs, effective, sphere_array


def assert_near(found: Walk, exact: list[float], errors: float = 3.0) -> None:
    apart = np.subtract(found.relative_diffusivity, exact)
    assert np.all(np.abs(apart) <= errors * np.array(found.standard_error) + 1e-12), (found, exact)


@pytest.mark.parametrize("voxel", [(H, H, H), (H, 2 * H, 0.5 * H)])
def test_free_walkers_diffuse_as_they_are(voxel: tuple[float, float, float]) -> None:
    found = random_walk(a_volume(np.ones((6, 5, 7)), voxel), "1", walkers=4000)
    assert_near(found, [1.0, 1.0, 1.0])
    # free displacements are normal: the variance of c² + 2 b c is 6 <c²>², over 7 pairs
    assert found.standard_error == pytest.approx([np.sqrt(6.0 / 7.0 / 4000.0)] * 3, rel=0.05)


def test_layers_let_walkers_along_and_not_across() -> None:
    """Across a layer of n voxels only the first steps move a walker: nothing is left after a long stretch."""
    labels = np.broadcast_to((np.arange(12) % 4 < 3)[:, None, None], (12, 12, 12))
    found = random_walk(a_volume(labels), "1", walkers=2000, duration=4.0)
    assert_near(found, [0.0, 1.0, 1.0])
    assert found.tortuosity_factor[0] is None
    assert found.tortuosity_factor[1] == pytest.approx(1.0, abs=0.1)


def test_walkers_in_closed_pockets_get_nowhere() -> None:
    labels = np.zeros((12, 12, 12))
    labels[2:5, 2:5, 2:5] = labels[7:9, 7:9, 7:9] = 1
    found = random_walk(a_volume(labels), "1", walkers=500)
    assert_near(found, [0.0, 0.0, 0.0])
    assert found.notes == ()


@pytest.mark.parametrize(("kind", "fraction"), [("SC", 0.4), ("BCC", 0.6)])
def test_walkers_between_spheres_agree_with_conduction(kind: str, fraction: float) -> None:
    """Nernst and Einstein: D_eff/D = σ_eff/(φ σ), on the same voxels, so that nothing but statistics differs."""
    spheres = sphere_array(kind, fraction, 12)
    found = random_walk(a_volume(spheres), "0", walkers=6000)
    assert_near(found, [effective(spheres, {"0": 1.0}, rtol=1e-6) / float((spheres == 0).mean())] * 3)
    assert max(found.standard_error) < 0.0125


def test_walkers_in_a_random_medium_agree_with_conduction_along_each_axis() -> None:
    """No symmetry, voxels that are no cubes, clusters that lead nowhere; mirrored sides are those of conduction."""
    labels, voxel = blobs((14, 16, 12), 0.45, seed=3), (H, 0.8 * H, 1.2 * H)
    volume = a_volume(labels, voxel)
    found = random_walk(volume, "1", walkers=3000, duration=2.0)
    exact = [effective(labels, {"1": 1.0}, axis=axis, rtol=1e-6, voxel=voxel) / labels.mean() for axis in range(3)]
    assert max(exact) > 1.2 * min(exact)
    assert_near(found, exact)


def test_a_seed_walks_the_same_ways_on_any_number_of_threads() -> None:
    volume = a_volume(blobs((12, 12, 12), 0.6, seed=1))
    one, other, third = (random_walk(volume, "1", walkers=100, seed=s, threads=n) for s, n in ((5, 1), (5, 3), (6, 1)))
    assert one == other != third
    assert one.walkers == 112


def test_a_walk_too_short_for_its_medium_says_so() -> None:
    """Wide at both ends and narrow between them: D_eff/D is about 0.2."""
    labels = np.zeros((10, 6, 6))
    labels[:, 2:4, 2:4] = labels[:3] = labels[7:] = 1
    short, long = (random_walk(a_volume(labels), "1", walkers=1000, duration=d) for d in (1.0, 4.0))
    assert "axis 0" in short.notes[0]
    assert not any("axis 0" in note for note in long.notes)
    assert "axis 0" in walk_text(short)
    assert json.loads(json.dumps(walk_json(long)))["tortuosity_factor"][0] == pytest.approx(
        1.0 / long.relative_diffusivity[0]
    )


def test_what_is_wrong_with_a_walk_is_said() -> None:
    volume = a_volume(np.ones((3, 3, 3)))
    with pytest.raises(InputError) as caught:
        random_walk(volume, "1", walkers=0, duration=0.0, seed=-1)
    assert [problem.where for problem in caught.value.problems] == ["walkers", "duration", "seed"]
    with pytest.raises(InputError, match="no phase 'x'"):
        random_walk(volume, "x")
    with pytest.raises(InputError, match="no voxel"):
        random_walk(volume, "0")
