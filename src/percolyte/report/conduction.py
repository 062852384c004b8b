"""Effective conductivities of volumes as JSON with the unit in each key, as text, and as arrays in a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from percolyte import units
from percolyte.errors import InputError
from percolyte.transport.conduction import Conduction, Interfaces, conductivity_tensor, interface_text
from percolyte.transport.random_walk import Walk


def conduction_json(found: Conduction) -> dict[str, Any]:
    """One axis of a volume; the first six keys are those that other programs rely on."""
    error, bottleneck = found.relative_error, found.bottleneck
    return {
        "effective_conductivity_S_per_m": found.effective_conductivity,
        "tortuosity_factor": found.tortuosity_factor,
        "volume_fraction": found.volume_fraction,
        "percolates": found.percolates,
        "relative_error": error.total if error is not None and error.estimated else None,
        "seconds": found.seconds,
        "axis": found.axis,
        "tensor_column_S_per_m": list(found.column),
        "lower_bound_S_per_m": found.lower_bound,
        "relative_error_parts": None if error is None else asdict(error),
        "tortuosity_factor_of_percolating_fraction": found.tortuosity_factor_percolating,
        "percolating_fraction": found.percolating_fraction,
        "connections": {name: asdict(connection) for name, connection in found.connections.items()},
        "interfaces": interfaces_json(found.interfaces),
        "periodic": list(found.periodic),
        "bottleneck": None
        if bottleneck is None
        else {
            "position_um": [1e6 * place for place in bottleneck.position],
            "share_of_top_percent": bottleneck.share_of_top_percent,
            "plane": bottleneck.plane,
            "plane_share": bottleneck.plane_share,
        },
        "iterations": found.iterations,
        "converged": found.converged,
        "notes": list(found.notes),
    }


def axes_json(found: Sequence[Conduction]) -> dict[str, Any]:
    """All three axes of a volume; null in the tensor where sides are closed."""
    return {
        "axes": [conduction_json(one) for one in found],
        "conductivity_tensor_S_per_m": conductivity_tensor(found),
    }


def tensor_text(found: Sequence[Conduction]) -> str:
    """The conductivity tensor, a row for the current along each axis; says where it is not defined."""
    tensor = conductivity_tensor(found)
    if all(value is None for i, row in enumerate(tensor) for j, value in enumerate(row) if i != j):
        return "tensor: elements off the diagonal are not defined with closed sides; repeat them with --periodic 0,1,2"
    rows = [
        "  ".join(f"{'closed' if x is None else units.text(x, units.CONDUCTIVITY, digits=4):>16}" for x in row)
        for row in tensor
    ]
    return "\n".join(["tensor, current along each axis by row, field along each axis by column", *rows])


def interfaces_json(interfaces: Interfaces) -> list[dict[str, Any]]:
    return [
        {"between": list(pair), "resistance_ohm_cm2": units.to(value, "ohm cm2")} for pair, value in interfaces.items()
    ]


def conduction_text(found: Conduction) -> str:
    share = f"{100 * found.volume_fraction:.4g} vol% conduct"
    if not found.percolates:
        lines = [f"axis {found.axis}: does not percolate, so nothing is conducted", f"  {share}"]
    else:
        value = units.text(found.effective_conductivity, units.CONDUCTIVITY, digits=4)
        error = found.relative_error
        assert error is not None
        within = f"± {units.error_text(error.total)}" if error.estimated else "error not estimated"
        lines = [
            f"axis {found.axis}: {value} ({within})",
            f"  tortuosity factor   {found.tortuosity_factor:.4g} = φ σ/σ_eff with all that conducts, "
            f"{found.tortuosity_factor_percolating:.4g} with what percolates",
            f"  conducting          {share}, {100 * found.percolating_fraction:.4g} vol% percolate",
            f"  error               {error}",
        ]
    if found.lower_bound is not None:
        low = found.lower_bound / found.effective_conductivity - 1.0
        off = "how far off the solver can be at most, proven; its error above is estimated"
        lines.append(f"  bounds of the image {100 * low:.2g} % to 0 %: {off}")
    for name, c in found.connections.items():
        lines.append(
            f"  {name:<19} {100 * c.through:.4g} % from end to end, {100 * c.inlet_only:.3g} % from the inlet only, "
            f"{100 * c.outlet_only:.3g} % from the outlet only, {100 * c.isolated:.3g} % isolated"
        )
    if found.bottleneck is not None:
        place = ", ".join(f"{1e6 * x:.4g}" for x in found.bottleneck.position)
        lines.append(
            f"  bottleneck          at ({place}) um; the hundredth of the voxels that dissipates most has "
            f"{100 * found.bottleneck.share_of_top_percent:.3g} % of the power"
        )
    lines += [f"  interface           {interface_text(pair, value)}" for pair, value in found.interfaces.items()]
    if found.periodic:
        lines.append(
            f"  repeats             along {'axes' if len(found.periodic) > 1 else 'axis'} {' and '.join(map(str, found.periodic))}"
        )
    lines += [f"  note                {note}" for note in found.notes]
    if not found.converged:
        lines.append("  note                the solver stopped before the error that was asked for")
    lines.append(f"  {found.iterations} iterations, {found.seconds:.3g} s")
    return "\n".join(lines)


def walk_json(found: Walk) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(found).items()} | {
        "tortuosity_factor": list(found.tortuosity_factor)
    }


def walk_text(found: Walk) -> str:
    rows = zip(found.percolates, found.relative_diffusivity, found.standard_error, found.tortuosity_factor, strict=True)
    lines = [
        f"axis {axis}: D_eff/D {value:.4g} ± {error:.2g}"
        + ("" if factor is None else f", tortuosity factor {factor:.4g} ± {error / value * factor:.2g}")
        if percolates
        else f"axis {axis}: does not percolate, so nothing diffuses from side to side"
        for axis, (percolates, value, error, factor) in enumerate(rows)
    ]
    lines += [f"  note                {note}" for note in found.notes]
    return "\n".join([*lines, f"  {found.walkers} walkers of {found.steps} steps; ± is one standard error"])


def write_fields(found: Conduction, path: Path) -> None:
    """Potential, current density and power of each voxel as a NumPy archive."""
    if path.suffix != ".npz":
        raise InputError(
            f"fields are written as a NumPy archive; write for example '{path.stem}.npz'", source=str(path)
        )
    if found.fields is None:
        raise InputError("nothing percolates, so there are no fields to write", source=str(path))
    fields = found.fields
    np.savez_compressed(
        path,
        potential_V=fields.potential,
        current_density_A_per_m2=fields.current_density,
        power_share=fields.power,
        plane_currents=fields.plane_currents,
    )
