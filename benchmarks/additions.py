"""The figure of docs/microstructure.md: one image, and what `percolyte volume --add` puts into it.

The image is a packing of active material alone, taken as if it had been measured.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from validation_figures import STYLE

from percolyte.microstructure.imported import add, additions_from
from percolyte.microstructure.pack import Microstructure, pack
from percolyte.microstructure.powders import LognormalSizes
from percolyte.microstructure.shapes import Polyhedra
from percolyte.microstructure.volume import Volume
from percolyte.report.volumes import phase_colours

PANELS = {
    "as imaged": (),
    "coating=200 nm\nbinder=4 %": ("coating=200 nm", "binder=4 %"),
    "carbon=2 %\nkind=fibres": ("carbon=2 %; kind=fibres; diameter=200 nm",),
    "electrolyte=30 %": ("electrolyte=30 %",),
    "electrolyte=30 %\nkind=infiltration": ("electrolyte=30 %; kind=infiltration",),
}


def image() -> Volume:
    look = Microstructure(active=Polyhedra(sizes=LognormalSizes(d50=5e-6, spread=1.3)))
    packed = pack({"active": 0.5}, look, (25e-6, 25e-6, 25e-6), 0.125e-6, 1)
    return replace(packed.volume, origin="measured", source="electrode.tif")


def figure(volumes: dict[str, Volume]) -> Figure:
    colours: dict[str, str] = {}
    for volume in volumes.values():
        colours |= phase_colours(volume)
    drawn = Figure(figsize=(8.6, 2.55), layout="constrained")
    for axes, (title, volume) in zip(drawn.subplots(1, len(volumes)), volumes.items(), strict=True):
        table = np.ones((256, 3))
        for name, label in volume.phases.items():
            table[label] = to_rgb(colours[name])
        axes.imshow(table[volume.labels[:, :, volume.labels.shape[2] // 2]], interpolation="nearest")
        axes.set_title(title, fontsize=8.5)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    handles = [
        Rectangle((0, 0), 1, 1, facecolor=colour, edgecolor="#999999", linewidth=0.5) for colour in colours.values()
    ]
    drawn.legend(handles, list(colours), loc="outside lower center", ncols=len(colours), fontsize=8.5)
    return drawn


if __name__ == "__main__":
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/figures/additions.svg")
    start = image()
    with mpl.rc_context(STYLE):
        figure({title: add(start, additions_from(texts)).volume for title, texts in PANELS.items()}).savefig(
            out, dpi=150, metadata={"Date": None} if out.suffix == ".svg" else {}
        )
