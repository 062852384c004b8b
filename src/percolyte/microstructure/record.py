"""What stands beside the labels in a file: voxel length, phase names, origin."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field

from percolyte import units
from percolyte.errors import InputError
from percolyte.microstructure.volume import Origin, Volume, shared_labels
from percolyte.nouns import Noun, read_noun
from percolyte.units import VoxelLength


class Record(Noun):
    """The description of a volume, written as JSON."""

    percolyte: Literal["volume"] = "volume"
    voxel: tuple[VoxelLength, VoxelLength, VoxelLength]
    phases: dict[str, Annotated[int, Field(ge=0, le=255)]]
    origin: Origin = "measured"
    source: str = ""


def record_text(volume: Volume) -> str:
    """The description of a volume as JSON."""
    lengths = [units.text(length, units.LENGTH) for length in volume.voxel]
    return json.dumps(
        {
            "percolyte": "volume",
            "voxel": lengths,
            "phases": dict(volume.phases),
            "origin": volume.origin,
            "source": volume.source,
        },
        ensure_ascii=False,
    )


def record_from(text: Any, source: str) -> Record | None:
    """The description that percolyte wrote; None for what other programs write in the same place."""
    try:
        data = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or data.get("percolyte") != "volume":
        return None
    record = read_noun(Record, data, source=source)
    if problems := shared_labels(record.phases):
        raise InputError(problems, source=source)
    return record
