"""Measures of a volume as JSON with units in the keys, and as columns for people."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from percolyte.microstructure.edit import shape_text
from percolyte.microstructure.image import Image
from percolyte.microstructure.measure import Estimate, Measures, Widths
from percolyte.microstructure.particles import SizeDistribution
from percolyte.report.layout import aligned, converted

QUANTILES = (0.1, 0.5, 0.9)


def measures_json(measures: Measures) -> dict[str, Any]:
    """One object; errors and sub-volumes stand under `standard_error` and `sub_volumes`, below the same keys.

    Of sizes these are those of the median.
    """
    median = measures.particle_median
    return {
        **_values(measures, lambda estimate: estimate.value),
        "axis": measures.axis,
        "percolating_fraction_by_axis": _by_axis(measures, lambda estimate: estimate.value),
        "particle_diameter_um": _sizes_json(measures.particles),
        "voxel_um": [converted(length, "um") for length in measures.voxel],
        "shape": list(measures.shape),
        "standard_error": {
            **_values(measures, lambda estimate: estimate.error),
            "percolating_fraction_by_axis": _by_axis(measures, lambda estimate: estimate.error),
            "particle_diameter_um": None if median is None else _micrometres(median.error),
        },
        "sub_volumes": {
            **_values(measures, lambda estimate: list(estimate.parts)),
            "percolating_fraction_by_axis": _by_axis(measures, lambda estimate: list(estimate.parts)),
            "particle_diameter_um": [] if median is None else [converted(part, "um") for part in median.parts],
        },
        "notes": list(measures.notes),
    }


def _by_axis(measures: Measures, part: Callable[[Estimate], Any]) -> dict[str, list[Any]]:
    return {name: [part(along) for along in axes] for name, axes in measures.percolating_fraction.items()}


def _values(measures: Measures, part: Any) -> dict[str, Any]:
    """The same keys for the value, the error and the sub-volumes of every number."""

    def of(estimate: Estimate | None) -> Any:
        return None if estimate is None else part(estimate)

    return {
        "volume_fraction": {name: of(found) for name, found in measures.volume_fraction.items()},
        "percolating_fraction": {name: of(axes[measures.axis]) for name, axes in measures.percolating_fraction.items()},
        "interface_area_per_volume_per_m": {
            "-".join(pair): of(found) for pair, found in measures.interface_area.items()
        },
        "utilisation": of(measures.utilisation),
        "active_area_per_volume_per_m": of(measures.active_area),
        "contact_fraction": of(measures.contact_fraction),
        "three_phase_line_per_volume_per_m2": {
            "-".join(triple): of(found) for triple, found in measures.triple_line.items()
        },
        "carrier_percolating_fraction": {name: of(found) for name, found in measures.percolation.items()},
        "geodesic_tortuosity": {name: of(found) for name, found in measures.geodesic_tortuosity.items()},
        "largest_cluster_fraction": {name: of(found) for name, found in measures.largest_cluster.items()},
        "closed_fraction": {name: of(found) for name, found in measures.closed_fraction.items()},
    }


def _sizes_json(sizes: SizeDistribution | None) -> dict[str, float | None] | None:
    if sizes is None or len(sizes.diameters) == 0:
        return None
    return {f"d{100 * share:.0f}": converted(sizes.quantile(share), "um") for share in QUANTILES}


def measures_text(measures: Measures) -> str:
    """What the command prints."""
    nx, ny, nz = (f"{converted(n * h, 'um'):.4g}" for n, h in zip(measures.shape, measures.voxel, strict=True))
    lines = [f"{measures.source}: {nx} x {ny} x {nz} um; ways along axis {measures.axis}, ± one standard error", ""]
    rows: list[tuple[str, ...]] = [("phase", "of the volume", "percolates", "largest cluster", "closed")]
    for name, fraction in measures.volume_fraction.items():
        rows.append(
            (
                name,
                _percent(fraction),
                _through(measures.percolating_fraction[name][measures.axis]),
                _percent(measures.largest_cluster[name]),
                _percent(measures.closed_fraction[name]),
            )
        )
    lines += [aligned(rows), ""]
    rows = [("interface", "m2/cm3")] if measures.interface_area else []
    rows += [(" - ".join(pair), _plain(found, 1e-6)) for pair, found in measures.interface_area.items()]
    rows += [("three phases", "m/cm3")] if measures.triple_line else []
    rows += [(" - ".join(triple), _plain(found, 1e-6)) for triple, found in measures.triple_line.items()]
    lines += [aligned(rows), ""] if rows else []
    rows = [(f"{carrier} percolate", _through(found)) for carrier, found in measures.percolation.items()]
    rows += [
        (f"way of {name}", f"{_plain(found)} of the distance") for name, found in measures.geodesic_tortuosity.items()
    ]
    if measures.utilisation is not None:
        rows.append(("utilisation", f"{_percent(measures.utilisation)} of the active material"))
    if measures.active_area is not None:
        rows.append(("active area", f"{_plain(measures.active_area, 1e-6)} m2/cm3"))
    if measures.contact_fraction is not None:
        rows.append(("contact fraction", f"{_percent(measures.contact_fraction)} of the surface of used particles"))
    if measures.particles is not None and len(measures.particles.diameters):
        sizes = ", ".join(f"d{100 * q:.0f} {converted(measures.particles.quantile(q), 'um'):.3g}" for q in QUANTILES)
        median = measures.particle_median
        error = "" if median is None or median.error is None else f" (d50 ± {converted(median.error, 'um'):.2g})"
        rows.append(("particles", f"{sizes} um by volume{error}, {len(measures.particles.diameters)} whole ones"))
    lines += [aligned(rows)] if rows else []
    return "\n".join([*lines, *(f"note: {note}" for note in measures.notes)]).rstrip()


def _percent(estimate: Estimate) -> str:
    error = "" if estimate.error is None else f" ± {100 * estimate.error:.2g}"
    return f"{100 * estimate.value:.4g}{error} %"


def _through(estimate: Estimate) -> str:
    """A share from side to side: what parts of the volume have where the whole has none is no error of zero."""
    if estimate.value > 0.0:
        return _percent(estimate)
    within = max(estimate.parts, default=0.0)
    return f"0 % (in parts up to {100 * within:.3g} %)" if within > 0.0 else "0 %"


def _plain(estimate: Estimate, scale: float = 1.0) -> str:
    error = "" if estimate.error is None else f" ± {scale * estimate.error:.2g}"
    return f"{scale * estimate.value:.4g}{error}"


def widths_json(widths: Widths) -> dict[str, Any]:
    """Sizes of a phase; a number that does not exist is null."""
    return {
        "sphere_diameter_um": _sizes_json(widths.spheres),
        "chord_length_um": [_sizes_json(chords) for chords in widths.chords],
        "constriction_factor": _finite(widths.constriction.value),
        "standard_error": {
            "sphere_diameter_um": _micrometres(widths.median.error),
            "chord_length_um": [_micrometres(median.error) for median in widths.median_chords],
            "constriction_factor": widths.constriction.error,
        },
        "sub_volumes": {
            "sphere_diameter_um": [converted(part, "um") for part in widths.median.parts],
            "chord_length_um": [[converted(part, "um") for part in each.parts] for each in widths.median_chords],
            "constriction_factor": list(widths.constriction.parts),
        },
    }


def _micrometres(error: float | None) -> float | None:
    return None if error is None else converted(error, "um")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def widths_text(name: str, widths: Widths) -> str:
    """Sizes of a phase, one line each."""
    rows = [
        (f"{name}: spheres", _sizes_text(widths.spheres)),
        *((f"{name}: chords along axis {axis}", _sizes_text(chords)) for axis, chords in enumerate(widths.chords)),
        (f"{name}: constriction factor", _plain(widths.constriction)),
    ]
    return aligned(rows)


def _sizes_text(sizes: SizeDistribution) -> str:
    found = _sizes_json(sizes)
    return "none" if found is None else ", ".join(f"{name} {value:.3g}" for name, value in found.items()) + " um"


def image_json(image: Image, fractions: dict[int, float]) -> dict[str, Any]:
    """What stands in a file, before it is a volume."""
    return {
        "shape": list(image.shape),
        "type": str(image.values.dtype),
        "voxel_um": None if image.voxel is None else [converted(length, "um") for length in image.voxel],
        "phases": None if image.phases is None else dict(image.phases),
        "label_fraction": {str(label): fraction for label, fraction in fractions.items()},
    }


def image_text(image: Image, fractions: dict[int, float]) -> str:
    """What stands in a file, for people."""
    names = {label: name for name, label in (image.phases or {}).items()}
    rows = [("label", "phase", "of the volume")]
    rows += [(str(label), names.get(label, ""), f"{100 * share:.4g} %") for label, share in fractions.items()]
    voxel = image.about_voxel
    if image.voxel is not None:
        voxel = "voxel " + " x ".join(f"{converted(length, 'um'):.4g}" for length in image.voxel) + " um"
    head = f"{image.source}: {shape_text(image.shape)} voxels of {image.values.dtype}; {voxel}"
    return f"{head}\n\n{aligned(rows)}" if fractions else head
