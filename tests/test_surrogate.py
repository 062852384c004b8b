"""Transport from particle sizes by the table of sphere packings."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from percolyte.design import Design, design_from
from percolyte.errors import InputError
from percolyte.evaluation import evaluate
from percolyte.microstructure.additions import Fibres
from percolyte.microstructure.pack import Microstructure, pack
from percolyte.microstructure.powders import LognormalSizes
from percolyte.microstructure.shapes import Spheres
from percolyte.report.html import render_report
from percolyte.report.tables import transport_json
from percolyte.report.transport_figures import transport_figure
from percolyte.report.transport_text import transport_text
from percolyte.transport.closures import maxwell
from percolyte.transport.effective import Alternative, Phase, Transport
from percolyte.transport.surrogate import AXES, NETWORKS, Surrogate, ignored, surrogate, surrogate_transport
from percolyte.transport.voxels import conduct
from tests.build import GRAPHITE_ANODE, a_design_data

ELECTROLYTE, ACTIVE = Phase("SE", 0.45, 0.2), Phase("AM", 0.45, 1.0, "cathode")


def a_table(number: dict[str, Any]) -> Surrogate:
    """A table of one's own on a small grid, the ratios 1, 2 and 4."""
    axes = {"active": np.array([0.2, 0.6]), "porosity": np.array([0.0, 0.2]), "ratio": np.array([1.0, 2.0, 4.0])}
    zeros = {name: np.zeros((2, 2, 3)) for name in number}
    return Surrogate(axes, number, zeros, zeros, dict.fromkeys(number, 0.0))


def test_every_point_of_the_grid_has_its_volumes() -> None:
    table = surrogate()
    shape = tuple(len(table.axes[name]) for name in AXES)
    assert all(table.mean[name].shape == shape for name in NETWORKS)
    assert (table.mean["contact_fraction"] > 0.0).sum() == (table.mean["ionic"] > 0.0).sum()


def test_between_points_shares_are_linear_and_conductivities_linear_in_their_roots() -> None:
    active, _, ratio = np.meshgrid([0.2, 0.6], [0.0, 0.2], [1.0, 2.0, 4.0], indexing="ij")
    table = a_table({"utilisation": active + np.log2(ratio), "ionic": (1.0 - active) ** 2})
    assert table.at("utilisation", 0.3, 0.1, 2.0**1.5).value == pytest.approx(0.3 + 1.5)
    assert table.at("ionic", 0.45, 0.05, 1.3).value == pytest.approx(0.55**2)


def test_no_conductivity_exceeds_the_bound_of_hashin_and_shtrikman() -> None:
    """Of the means of volumes; at no porosity the staircase of voxels of the matrix is all that could break it."""
    table = surrogate()
    for (i, active), (j, porosity), k in itertools.product(
        enumerate(table.axes["active"]), enumerate(table.axes["porosity"]), range(len(table.axes["ratio"]))
    ):
        assert table.mean["ionic"][i, j, k] <= maxwell(1.0, 1.0 - active - porosity)
        assert table.mean["electronic"][i, j, k] <= maxwell(1.0, active)


def test_ions_conduct_worse_with_more_active_material_and_with_more_voids() -> None:
    """In the mean over volumes; one standard error of the difference is left for chance."""
    table = surrogate()
    mean, scatter = table.mean["ionic"], table.scatter["ionic"]
    for axis in (0, 1):
        fall = -np.diff(mean, axis=axis)
        error = np.sqrt(np.diff(np.cumsum(scatter**2, axis=axis), axis=axis))
        assert (fall >= -error).all()


def test_a_point_off_the_grid_agrees_with_a_volume_of_its_own() -> None:
    """Two volumes of other seeds, of 6 particles along an edge, which differ by 10 % among themselves."""
    active, porosity, ratio = 0.40, 0.08, 1.5
    look = Microstructure(
        active=Spheres(sizes=LognormalSizes(d50=15e-7, spread=1.4)),
        electrolyte=Spheres(sizes=LognormalSizes(d50=10e-7, spread=1.4)),
    )
    fractions = {"active": active, "electrolyte": 1.0 - porosity - active}
    volumes = [pack(fractions, look, (96e-7,) * 3, 1e-7, seed).volume for seed in (7, 8)]
    solved = np.mean([conduct(v, {"electrolyte": 1.0}, errors=False).effective_conductivity for v in volumes])
    found = surrogate().at("ionic", active, porosity, ratio)
    assert found.value == pytest.approx(float(solved), rel=0.1 + found.error / found.value)


def test_open_seams_change_nothing_without_void_and_never_help_the_ions() -> None:
    """Beyond chance: two standard errors of the difference."""
    closed, opened = surrogate("closed"), surrogate("open")
    for name in NETWORKS:
        assert np.array_equal(closed.mean[name][:, 0], opened.mean[name][:, 0])
    error = np.hypot(closed.scatter["ionic"], opened.scatter["ionic"])
    assert (opened.mean["ionic"] <= closed.mean["ionic"] + 2.0 * error).all()
    assert np.array_equal(opened.mean["electronic"], closed.mean["electronic"])


def test_a_design_with_open_seams_is_read_from_their_table() -> None:
    sizes = {"kind": "lognormal", "d50": "6 um"}
    look = {"electrolyte": {"kind": "spheres", "sizes": sizes}}
    closed = evaluate(a_design(microstructure=look)).transport
    opened = evaluate(a_design(microstructure={**look, "seams": "open"})).transport
    assert opened.ionic is not None
    assert closed.ionic is not None
    assert opened.ionic < 0.8 * closed.ionic
    assert "seams open" in opened.statement
    assert "seams" not in " ".join(opened.ignored)


def test_conductivities_scale_with_those_of_the_phases() -> None:
    found = surrogate_transport(0.45, 0.45, 2.0, (ELECTROLYTE,), (ACTIVE,), 0.0)
    double = surrogate_transport(0.45, 0.45, 2.0, (Phase("SE", 0.45, 0.4),), (ACTIVE,), 0.0)
    assert found.ionic is not None
    assert double.ionic == pytest.approx(2.0 * found.ionic)
    assert double.electronic == found.electronic
    assert found.ionic_tortuosity_factor == pytest.approx(0.45 * 0.2 / found.ionic)


def test_carbon_above_its_threshold_leaves_the_utilisation_to_the_ions() -> None:
    carbon = Phase("VGCF", 0.03, 1e4, "carbon")
    without = surrogate_transport(0.25, 0.60, 4.0, (ELECTROLYTE,), (ACTIVE,), 0.0)
    with_it = surrogate_transport(0.25, 0.60, 4.0, (ELECTROLYTE,), (ACTIVE, carbon), 0.03)
    assert without.utilisation is not None
    assert with_it.utilisation is not None
    assert with_it.utilisation.value > without.utilisation.value
    assert with_it.electronic is not None
    assert with_it.electronic == pytest.approx(1e4 * (0.01 / 0.98) ** 2, rel=1e-2)


def test_what_the_table_does_not_hold_is_refused_with_its_range() -> None:
    with pytest.raises(InputError) as raised:
        surrogate_transport(0.05, 0.90, 30.0, (ELECTROLYTE,), (ACTIVE,), 0.0)
    said = str(raised.value)
    assert "0.15 to 0.65, not 0.05" in said
    assert "0.5 to 8, not 30" in said
    assert "kind = 'microstructure'" in said


def a_design(**cathode: Any) -> Design:
    sizes = {"kind": "constant", "diameter": "2 um"}
    look = {"electrolyte": {"kind": "spheres", "sizes": sizes}}
    active = {"particle_radius": "3 um"}
    return design_from(
        a_design_data(cathode={"transport": {"kind": "surrogate"}, "microstructure": look, "active": active, **cathode})
    )


def test_a_design_takes_transport_utilisation_and_contact_from_its_sizes() -> None:
    found = evaluate(a_design(), rates=[1.0])
    transport = found.transport
    assert transport.kind == "surrogate"
    assert "λ = 3" in transport.statement
    assert transport.utilisation is not None
    assert transport.contact_fraction is not None
    assert found.rate is not None, found.rate_missing
    assert found.rate.cell.cathode.ionic == transport.ionic
    assert found.rate.cell.cathode.classes[0].contact == transport.contact_fraction.value
    entries = {entry.where: entry for entry in found.ledger.entries}
    assert entries["cathode.transport.ionic"].origin == "computed"
    assert "error" in entries["cathode.transport.ionic"].note


def test_a_composite_anode_outside_of_the_table_is_refused_as_a_cathode_is() -> None:
    recipe = {"graphite": "5 %", "Li6PS5Cl": "95 %"}
    anode = {**GRAPHITE_ANODE, "recipe": recipe, "transport": {"kind": "surrogate"}}
    with pytest.raises(InputError, match="the table knows") as caught:
        evaluate(design_from(a_design_data(anode=anode)), rates=[1.0])
    assert {problem.where for problem in caught.value.problems} == {"anode.transport.kind"}


def test_the_same_recipe_by_particle_sizes_stands_beside_closed_forms(tmp_path: Path) -> None:
    means = [other.means for other in evaluate(a_design(transport={"kind": "closure"})).transport.alternatives]
    assert "table of sphere packings, from particle sizes; ignores part of the microstructure" in means
    sizes = {"kind": "lognormal", "d50": "2 um"}
    look = {"electrolyte": {"kind": "spheres", "sizes": sizes}}
    known = evaluate(a_design(transport={"kind": "closure"}, microstructure=look)).transport.alternatives
    assert "table of sphere packings, from particle sizes" in [other.means for other in known]


@pytest.mark.parametrize("least", [3.1e-9, 4.7e-4, 3.0, 2.5e5])
@pytest.mark.parametrize("span", [1.0, 1.9, 4.2, 12.0, 3e3, 1e8])
def test_numbers_of_the_transport_chart_stand_apart(least: float, span: float) -> None:
    means = "table of sphere packings, from particle sizes; ignores part of the microstructure"
    other = Alternative(means, least, 1.8, least * span)
    figure = transport_figure(Transport("given", least * span, least, 5.5, "", alternatives=(other,) * 3))
    assert figure is not None
    figure.draw_without_rendering()
    for axes in figure.axes:
        low, high = axes.get_xlim()
        ticks = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
        boxes = [label.get_window_extent() for at, label in ticks if low <= at <= high]
        assert boxes
        assert all(one.x1 + 2.0 < following.x0 for one, following in itertools.pairwise(boxes))
        assert all(label.get_window_extent().y0 > axes.bbox.y0 for label in figure.axes[0].get_yticklabels())


def test_the_table_stands_beside_others_with_its_error_and_its_seams() -> None:
    look = {"electrolyte": {"kind": "spheres", "sizes": {"kind": "lognormal", "d50": "2 um"}}, "seams": "open"}
    by_table = evaluate(a_design(transport={"kind": "closure"}, microstructure=look)).transport.alternatives[-1]
    assert by_table.means.endswith("seams open")
    assert by_table.ionic_error == evaluate(a_design(microstructure=look)).transport.ionic_error


def test_sizes_that_the_design_leaves_out_are_said_to_be_assumed() -> None:
    assert evaluate(a_design(microstructure={})).transport.statement.endswith("; sizes assumed")
    assert "sizes assumed" not in evaluate(a_design()).transport.statement


def test_what_the_table_does_not_know_of_a_design_is_said_everywhere() -> None:
    sizes = {"kind": "lognormal", "d50": "6 um", "spread": 2.0}
    look = {
        "active": {"kind": "polyhedra", "sizes": sizes},
        "electrolyte": {"kind": "spheres", "sizes": {"kind": "lognormal", "d50": "3 um"}},
        "gradient": 0.1,
    }
    found = evaluate(a_design(microstructure=look))
    said = ("active polyhedra, taken as spheres", "active sizes of spread 2, taken as spread 1.4 around the median")
    assert found.transport.ignored == (*said, "gradient")
    (check,) = [check for check in found.checks if check.name == "microstructure that the cathode's transport ignores"]
    assert check.verdict == "warn"
    assert check.limit.startswith("should be nothing: kind = 'microstructure'")
    assert transport_json(found.transport)["ignored"] == [*said, "gradient"]
    assert "active polyhedra" in " ".join(transport_text(found).split())
    assert "Ignored:" in render_report(found)


def test_carbon_that_percolates_by_the_threshold_alone_is_called_assumed() -> None:
    for carbon, origin in ({"VGCF": "3 %"}, "assumed"), ({"PTFE": "3 %"}, None):
        found = evaluate(a_design(recipe={"NMC811": "77 %", "Li6PS5Cl": "20 %", **carbon}))
        origins = {entry.where: entry.origin for entry in found.ledger.entries}
        assert ("carbon is assumed to percolate" in found.transport.statement) == (origin == "assumed")
        assert origins.get("cathode.transport.electronic") == origin
        assert origins["cathode.transport.ionic"] == "computed"


def test_a_form_of_carbon_is_ignored_where_there_is_carbon() -> None:
    look = Microstructure(carbon=Fibres(), active=Spheres(sizes=LognormalSizes(d50=6e-6)))
    assert ignored(look, {"carbon"}, {"carbon": 0.02}) == ("carbon as fibres, counted as void",)
    assert ignored(look, {"carbon"}, {"active": 0.5}) == ()
    assert ignored(look, set(), {"carbon": 0.02, "coating": 0.01}) == ("the coating, counted as void",)


def test_a_form_of_what_the_recipe_lacks_is_told_by_a_check() -> None:
    look = {"carbon": {"kind": "fibres"}, "binder": {"kind": "patches"}}
    recipe = {"NMC811": "70 %", "Li6PS5Cl": "29 %", "PTFE": "1 %"}

    def found(**changes: Any) -> dict[str, str]:
        checks = evaluate(a_design(microstructure=look, recipe=recipe, **changes)).checks
        return {check.name: check.value for check in checks}

    name = "forms in the cathode's microstructure"
    assert found()[name] == "stated of carbon, which the recipe lacks"
    volume = {"kind": "microstructure", "size": "24 um", "voxel": "1 um"}
    assert found(transport=volume)[name] == "stated of carbon, which the recipe lacks"
    assert name not in found(transport={"kind": "closure"})


def test_what_is_not_known_has_no_error() -> None:
    found = surrogate_transport(0.45, 0.45, 2.0, (ELECTROLYTE,), (), 0.0)
    assert found.electronic is None
    assert found.electronic_error is None
