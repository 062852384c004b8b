"""Tortuosity factors: limits, conventions, refusals."""

from __future__ import annotations

import pytest

from percolyte.errors import InputError
from percolyte.impedance.tortuosity import Tortuosity, dense_to_true, rebased, tortuosity


def test_straight_channels_have_a_factor_of_one() -> None:
    found = tortuosity(0.3 * 0.2, 0.2, 0.3, basis="total")
    assert found.factor == pytest.approx(1.0, rel=1e-14)
    assert found.path_ratio == pytest.approx(1.0, rel=1e-14)
    assert found.doubt == ""


def test_a_factor_says_its_convention() -> None:
    assert str(tortuosity(0.0253, 0.078, 0.665, basis="zero-porosity")) == (
        "κ = 2.05 on the zero-porosity volume fraction 0.665"
    )


def test_a_factor_from_a_pore_free_thickness_changes_with_the_square_of_the_solids() -> None:
    """Of fraction and thickness alike: (1 - p)²."""
    dense = tortuosity(0.02, 0.1, 0.57, basis="zero-porosity")
    true = tortuosity(dense_to_true(0.02, 0.15), 0.1, 0.57 * 0.85, basis="total")
    assert true.factor == pytest.approx(0.85**2 * dense.factor, rel=1e-14)


def test_the_percolating_part_alone_is_less_tortuous() -> None:
    found = rebased(Tortuosity(4.0, 0.4, "total"), 0.3, "percolating")
    assert found.factor == pytest.approx(3.0, rel=1e-14)
    assert found.basis == "percolating"


def test_conducting_better_than_straight_channels_is_doubted() -> None:
    assert "below one" in tortuosity(0.08, 0.1, 0.5, basis="total").doubt


def test_what_is_no_conductivity_or_fraction_is_refused_together() -> None:
    with pytest.raises(InputError) as caught:
        tortuosity(0.0, -0.1, 62.0, basis="total")
    assert len(caught.value.problems) == 3
