"""Commands on voxel images: the keys that other programs rely on, pictures, and what bad input is answered."""

from __future__ import annotations

import base64
import json
import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from PIL import Image as Pillow
from scipy import ndimage
from typer.testing import CliRunner

from percolyte.cli import app, main
from percolyte.errors import InputError
from percolyte.microstructure.files import open_image, read_volume, write_volume
from percolyte.microstructure.networks import Networks, roles_of
from percolyte.microstructure.segment import segment
from percolyte.microstructure.volume import Volume
from percolyte.report.figures import WARNING
from percolyte.report.volumes import (
    CUT_OFF,
    DEAD,
    PHASE_COLOURS,
    SIDES,
    field_figure,
    percolation_scene,
    phases_scene,
    slices_figure,
    solid_figure,
    utilisation_scene,
    volume_page,
)

PHASES = ("--phases", "active=1,electrolyte=2,void=0")
VOXEL = ("--voxel", "0.5 um")


def some_volume() -> Volume:
    """Active material between electrolyte that percolates and a piece of it that does not."""
    labels = np.zeros((16, 18, 20), dtype=np.uint8)
    labels[:, :4] = 2
    labels[:, 4:9] = 1
    labels[:, 11:16] = 1
    labels[6:9, 16:] = 2
    return Volume(labels, (5e-7, 5e-7, 5e-7), {"active": 1, "electrolyte": 2, "void": 0}, "assumed", "layers")


@pytest.fixture
def stack(tmp_path: Path) -> str:
    """A stack without any description."""
    np.save(tmp_path / "v.npy", some_volume().labels)
    return str(tmp_path / "v.npy")


def json_of(*words: str) -> Any:
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def text_of(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return done.stdout


def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The message of a command that is refused with exit status 2."""
    monkeypatch.setattr("sys.argv", ["percolyte", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr()
    assert stopped.value.code == 2
    assert "Traceback" not in said.err
    return said.err


def test_measure_has_the_keys_that_other_programs_rely_on(stack: str) -> None:
    found = json_of("measure", stack, *VOXEL, *PHASES)
    assert found["volume_fraction"]["electrolyte"] == pytest.approx((4 * 16 + 3 * 2) / (18 * 16))
    assert found["percolating_fraction"]["active"] == 1.0
    assert found["percolating_fraction"]["electrolyte"] == pytest.approx(64 / 70)
    assert found["utilisation"] == pytest.approx(0.5)
    faces = found["interface_area_per_volume_per_m"]
    assert faces["active-electrolyte"] > found["active_area_per_volume_per_m"] > 0.0
    # one plane of 16 x 20 faces in 18 x 16 x 20 voxels of 0.5 um
    assert found["active_area_per_volume_per_m"] == pytest.approx(1 / (18 * 5e-7))
    assert found["standard_error"]["volume_fraction"]["active"] is not None
    assert len(found["sub_volumes"]["utilisation"]) == 8


def test_every_size_dependent_number_of_measure_has_an_error_and_sub_volumes(tmp_path: Path) -> None:
    field = ndimage.gaussian_filter(np.random.default_rng(2).normal(size=(48, 48, 48)), 1.5)
    np.save(tmp_path / "v.npy", np.digitize(field, np.quantile(field, [0.2, 0.55])).astype(np.uint8))
    words = ("--phases", "void=0,electrolyte=1,active=2", "--widths", "active")
    found = json_of("measure", str(tmp_path / "v.npy"), *VOXEL, *words)
    widths = found.pop("widths")["active"]
    others = {"outcome", "axis", "voxel_um", "shape", "notes", "standard_error", "sub_volumes"}
    assert set(found) - others == set(found["standard_error"]) == set(found["sub_volumes"])
    for key in set(found) - others:
        columns = 4 if key == "geodesic_tortuosity" else 8
        errors, parts = (list(leaves(found[what][key])) for what in ("standard_error", "sub_volumes"))
        assert all(error is not None for error in errors), key
        assert len(parts) == columns * len(errors), key
    for key in ("sphere_diameter_um", "chord_length_um", "constriction_factor"):
        errors, parts = (list(leaves(widths[what][key])) for what in ("standard_error", "sub_volumes"))
        assert all(error is not None for error in errors), key
        assert len(parts) == 4 * len(errors), key


def leaves(data: Any) -> Iterator[Any]:
    for each in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from leaves(each)
    if not isinstance(data, dict | list):
        yield data


def test_measure_along_another_axis_and_with_roles_of_ones_own(stack: str) -> None:
    across = json_of("measure", stack, *VOXEL, *PHASES, "--axis", "1")
    assert across["percolating_fraction"]["active"] == 0.0
    assert across["utilisation"] == 0.0
    assert any("no way for ions" in note for note in across["notes"])
    phases = ("--phases", "NMC=1,LPSCl=2,pore=0")
    none = json_of("measure", stack, *VOXEL, *phases)
    assert none["utilisation"] is None
    assert none["notes"][0].startswith("no phase is active material: particles, utilisation")
    unnamed = json_of("measure", stack, *VOXEL)
    assert unnamed["notes"][0].startswith("no phase has a role by its name")
    own = json_of("measure", stack, *VOXEL, *phases, "--active", "NMC", "--ionic", "LPSCl")
    assert own["utilisation"] == pytest.approx(0.5)


def test_what_is_left_out_for_want_of_a_role_is_said(stack: str) -> None:
    notes = json_of("measure", stack, *VOXEL, "--phases", "active=1,cbd=2,void=0")["notes"]
    assert any("no phase carries ions: their ways, utilisation" in note for note in notes)
    assert "cbd has no role; if it conducts, write --electronic active,cbd, or --ionic cbd" in notes
    whole = json_of("measure", stack, *VOXEL, *PHASES)["notes"]
    assert not any("role" in note or "left out" in note for note in whole)


def test_names_of_the_library_are_roles_and_the_output_says_so(stack: str) -> None:
    words = ["measure", stack, *VOXEL, "--phases", "NMC811=1,Li6PS5Cl=2,void=0"]
    assert json_of(*words)["utilisation"] == pytest.approx(0.5)
    said = CliRunner().invoke(app, words).stderr
    assert "'NMC811' counts as active, as the materials library says" in said
    assert "'Li6PS5Cl' counts as electrolyte" in said


def test_measure_for_people_names_every_phase_and_the_widths_asked_for(stack: str) -> None:
    said = text_of("measure", stack, *VOXEL, *PHASES, "--widths", "void")
    for part in ("active", "electrolyte", "void", "utilisation", "50 ", "void: constriction factor", "± "):
        assert part in said
    widths = json_of("measure", stack, *VOXEL, *PHASES, "--widths", "void")["widths"]["void"]
    assert widths["sphere_diameter_um"]["d50"] == pytest.approx(1.0, abs=0.26)  # two voxels, to half a voxel


def test_what_percolates_in_parts_of_a_volume_only_has_no_error_about_zero(tmp_path: Path) -> None:
    labels = np.zeros((18, 18, 18), np.uint8)
    labels[9:] = 1
    np.save(tmp_path / "half.npy", labels)
    said = text_of("measure", str(tmp_path / "half.npy"), *VOXEL)
    assert re.search(r"^1 +50 ± \S+ % +0 % \(in parts up to 100 %\) ", said, re.MULTILINE), said


def test_a_volume_of_one_phase_has_no_table_of_interfaces(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.full((8, 8, 8), 7, np.uint8))
    assert "interface" not in text_of("measure", str(tmp_path / "one.npy"), *VOXEL)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*PHASES,), "give the length of a voxel, --voxel '0.5 um'"),
        ((*PHASES, "--voxel", "0 um"), "more than 0 um; write for example '0.5 um'"),
        ((*PHASES, "--voxel", "0.5"), "has no unit"),
        ((*VOXEL, "--phases", "active=1,electrolyte=2,void=0,carbon=3"), "label 3 for 'carbon' is not in the image"),
        ((*VOXEL, "--phases", "active=1"), "has no name; add NAME=0"),
        ((*VOXEL, "--phases", "active"), "is not NAME=LABEL"),
        ((*VOXEL, *PHASES, "--axis", "3"), "is not an axis"),
        ((*VOXEL, *PHASES, "--widths", "pores"), "no phase 'pores'"),
        ((*VOXEL, *PHASES, "--ionic", "electrolite"), "did you mean 'electrolyte'?"),
        ((*VOXEL, *PHASES, "--crop", "0:99,:,:"), "is not within 0:16"),
        ((*VOXEL, *PHASES, "--coarsen", "40"), "do not fit"),
        ((*VOXEL, *PHASES, "--coarsen", "0"), "write 1 for the image as it is"),
    ],
)
def test_bad_input_is_answered_with_what_to_write(
    stack: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert said in refusal(monkeypatch, capsys, "measure", stack, *words)


def test_volume_tells_what_a_file_holds_without_a_voxel_length(stack: str) -> None:
    said = text_of("volume", stack)
    assert "16 x 18 x 20 voxels of uint8" in said
    assert "states no voxel length" in said
    found = json_of("volume", stack)
    assert sum(found["label_fraction"].values()) == pytest.approx(1.0)


def test_volume_edits_in_the_order_of_its_options_and_writes_any_format(stack: str, tmp_path: Path) -> None:
    out = tmp_path / "edited.tif"
    edits = ["--order", "1,0,2", "--turn", "0:1", "--merge", "solid=active,electrolyte", "--relabel", "solid=9"]
    cleaned = ["--remove-specks", "4", "--refine", "2"]
    text_of("volume", stack, *VOXEL, *PHASES, *edits, *cleaned, "--out", str(out))
    edited = read_volume(out)
    assert edited.labels.shape == (36, 40, 32)
    assert edited.phases == {"void": 0, "solid": 9}
    assert edited.voxel == pytest.approx((2.5e-7,) * 3)
    assert edited.fractions["solid"] == pytest.approx(1 - some_volume().fractions["void"])


@pytest.mark.parametrize(
    "words",
    [("--order", "0,1"), ("--turn", "x"), ("--merge", "solid=actve"), ("--resample", "1 m"), ("--relabel", "a")],
)
def test_an_edit_that_cannot_be_is_refused_and_writes_nothing(
    stack: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> None:
    refusal(monkeypatch, capsys, "volume", stack, *VOXEL, *PHASES, *words, "--out", str(tmp_path / "x.tif"))
    assert not (tmp_path / "x.tif").exists()


def test_an_edit_without_a_place_for_it_is_refused(
    stack: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "give --out" in refusal(monkeypatch, capsys, "volume", stack, "--remove-specks", "9")


def test_every_option_that_cannot_be_read_is_told_at_once(
    stack: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    edits = ["--order", "0,0,1", "--turn", "x", "--merge", "solid", "--resample", "1", "--relabel", "a", "--add", "c"]
    said = refusal(monkeypatch, capsys, "volume", stack, "--voxel", "1,5 um", "--phases", "a,b", "--crop", "1", *edits)
    for option in ("--voxel", "--phases", "--crop", *edits[::2], "--out"):
        assert f"\n  {option}: " in said
    said = refusal(monkeypatch, capsys, "segment", stack, "--median", "2", "--phases", "1", "--out", "x.png")
    for option in ("--median", "--phases", "--voxel", "--out"):
        assert f"\n  {option}: " in said
    assert "at most 15" in refusal(monkeypatch, capsys, "segment", stack, "--median", "41")


def test_labels_without_a_name_are_told_with_their_shares(
    stack: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(monkeypatch, capsys, "volume", stack, "--phases", "active=1,electrolyte=2")
    share = some_volume().fractions["void"]
    assert f"label 0 ({100 * share:.3g} % of the voxels) has no name" in said


def test_thresholds_need_no_voxel_length_and_labels_do(tmp_path: Path) -> None:
    np.save(tmp_path / "grey.npy", 100.0 * some_volume().labels)
    found = json_of("segment", str(tmp_path / "grey.npy"), "--phases", "3")
    assert found["thresholds"] == pytest.approx([50.0, 150.0], abs=200.0 / 256)  # the bins of the histogram
    assert found["volume_fraction"]["phase 0"] == pytest.approx(some_volume().fractions["void"])


def test_segment_parts_grey_values_where_they_are_parted(tmp_path: Path) -> None:
    labels = some_volume().labels
    grey = np.random.default_rng(0).normal(1000.0 + 400.0 * labels, 40.0)
    np.save(tmp_path / "grey.npy", grey)
    out, figure = tmp_path / "labels.tif", tmp_path / "histogram.png"
    words = ["--phases", "void,active,electrolyte", *VOXEL, "--out", str(out), "--figure", str(figure)]
    found = json_of("segment", str(tmp_path / "grey.npy"), *words)
    assert 1100 < found["thresholds"][0] < 1300 < 1500 < found["thresholds"][1] < 1700
    assert np.array_equal(read_volume(out).labels, labels)
    assert read_volume(out).phases == {"void": 0, "active": 1, "electrolyte": 2}
    assert figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("phases", [1, 6, ["a", "a"], 3])
def test_a_division_that_cannot_be_is_refused(tmp_path: Path, phases: Any) -> None:
    """Three phases cannot come from two grey values."""
    np.save(tmp_path / "g.npy", (some_volume().labels > 0) * 100.0)
    with pytest.raises(InputError):
        segment(open_image(tmp_path / "g.npy"), phases)


def test_dead_material_and_cut_off_electrolyte_have_their_own_colours() -> None:
    volume = some_volume()
    scene = utilisation_scene(Networks(volume, roles_of(volume), 0))
    assert scene.volume.fractions[DEAD] == pytest.approx(5 / 18)
    assert scene.volume.fractions[CUT_OFF] == pytest.approx(3 * 2 / (16 * 18))
    assert sum(scene.volume.fractions.values()) == pytest.approx(1.0)
    assert len(set(scene.colours.values())) == len(scene.colours) == 5


def inches_a_um(axes: Axes) -> list[float]:
    """Of a slice, across and down."""
    box = axes.get_window_extent()
    right, down = axes.get_xlim()[1], axes.get_ylim()[0]
    return [length / axes.figure.dpi for length in (box.width / right, box.height / down)]


@pytest.mark.parametrize("shape", [(16, 18, 20), (10, 10, 100), (100, 12, 10), (1, 30, 40)])
def test_the_slices_are_three_at_one_scale_with_a_scale_bar_and_every_phase(shape: tuple[int, int, int]) -> None:
    labels = np.zeros(shape, dtype=np.uint8)
    labels[:, 5:], labels[:, 3:5] = 1, 2
    figure = slices_figure(phases_scene(Volume(labels, (5e-7, 5e-7, 1e-6), some_volume().phases, "measured", "cut")))
    scales = [scale for axes in figure.axes for scale in inches_a_um(axes)]
    assert len(scales) == 6
    assert scales == pytest.approx([scales[0]] * 6)
    (bar,) = (artist for artist in figure.artists if isinstance(artist, Line2D))
    (words,) = (text.get_text() for text in figure.texts if "µm" in text.get_text())
    assert float(np.ptp(np.asarray(bar.get_xdata()))) == pytest.approx(float(words.split()[0]) * scales[0])
    assert len(figure.legends[0].get_texts()) == 3


def test_the_slices_say_where_they_lie_and_what_a_generated_electrode_lies_between() -> None:
    generated = replace(some_volume(), origin="generated")
    figure = slices_figure(phases_scene(generated))
    assert figure.axes[0].get_title() == "across axis 0\n4.25 µm from the separator"
    assert figure.axes[2].get_title() == "across axis 2\nat 5.25 µm"
    assert figure.axes[2].get_ylabel() == "axis 0, 8 µm"
    assert [[text.get_text() for text in axes.texts] for axes in figure.axes] == [[], [*SIDES], [*SIDES]]
    along_1 = percolation_scene(Networks(generated, roles_of(generated), 1), "electrolyte")
    assert not any(axes.texts for axes in slices_figure(along_1).axes)
    assert not any(axes.texts for axes in slices_figure(phases_scene(some_volume())).axes)


def test_colours_of_phases_are_told_apart_by_all_eyes() -> None:
    """Viénot's picture of what eyes without red, and without green cones see; distances in CIELAB."""
    seen = (np.eye(3), [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
            [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])  # fmt: skip
    for matrix in seen:
        places = [cielab(np.asarray(matrix) @ linear(to_rgb(colour))) for colour in {*PHASE_COLOURS.values(), WARNING}]
        assert min(math.dist(one, other) for one, other in combinations(places, 2)) > 20.0


def linear(rgb: Any) -> Any:
    c = np.asarray(rgb)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def cielab(rgb: Any) -> Any:
    xyz = [[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0177, 0.1095, 0.8729]] @ np.clip(rgb, 0.0, 1.0)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_the_view_from_outside_shows_what_is_not_hidden() -> None:
    scene = phases_scene(some_volume())
    (picture,) = (image.get_array() for image in solid_figure(scene).axes[0].images)
    assert picture is not None
    drawn = (np.asarray(picture) < 1.0).any(axis=2).mean()
    everything = (np.asarray(solid_figure(scene, hidden=()).axes[0].images[0].get_array()) < 1.0).any(axis=2).mean()
    nothing = solid_figure(scene, hidden=("active", "electrolyte", "void")).axes[0].images[0].get_array()
    assert 0.1 < drawn < everything < 0.7
    assert np.all(np.asarray(nothing) == 1.0)


def test_a_field_is_drawn_on_its_slices_and_its_bottleneck_marked() -> None:
    volume = some_volume()
    field = np.where(volume.mask("void"), np.nan, np.indices(volume.labels.shape)[0] / 16.0)
    figure = field_figure(volume, field, "potential (V)", bottleneck=(6, 4, 5))
    assert all(len(axes.lines) == 1 for axes in figure.axes[:3])
    with pytest.raises(InputError, match="shape"):
        field_figure(volume, field[:3], "potential (V)")


def test_colours_of_a_field_end_where_only_the_few_highest_voxels_are_beyond() -> None:
    volume = some_volume()
    flux = np.where(volume.mask("electrolyte"), 1.0, np.nan)
    flux[0, 0, :3] = 100.0
    (image,) = field_figure(volume, flux, "flux").axes[0].images
    assert image.get_clim() == (1.0, 1.0)


def test_the_view_from_outside_names_its_edges_and_sides_and_only_what_is_drawn() -> None:
    figure = solid_figure(phases_scene(replace(some_volume(), origin="generated")))
    assert {text.get_text() for text in figure.axes[0].texts} == {
        *SIDES,
        "axis 0, 8 µm",
        "axis 1, 9 µm",
        "axis 2, 10 µm",
    }
    assert [text.get_text().split(",")[0] for text in figure.legends[0].get_texts()] == ["active", "electrolyte"]


def test_the_page_holds_the_labels_and_fetches_nothing() -> None:
    volume = some_volume()
    evil = Volume(volume.labels, volume.voxel, {"</script><b>": 1, "b": 2, "c": 0}, "measured", "<i>&")
    page = volume_page(phases_scene(evil))
    assert page.count("</script>") == 2
    assert "<i>" not in page
    assert not re.findall(r"""(?:src|href)\s*=|url\(|https?://|import\(""", page)
    found = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    labels = np.frombuffer(zlib.decompress(base64.b64decode(data["packed"])), dtype=np.uint8).reshape(data["shape"])
    assert np.array_equal(labels, volume.labels)
    assert data["sides"] is None
    assert '"sides": ["separator", "collector"]' in volume_page(phases_scene(replace(volume, origin="generated")))


@pytest.mark.parametrize(
    "words",
    [
        ["v.html"],
        ["v.svg", "--show", "utilisation"],
        ["v.png", "--solid", "--show", "electrolyte"],
    ],
)
def test_view_draws_pages_slices_and_solids(stack: str, tmp_path: Path, words: list[str]) -> None:
    out = tmp_path / "pictures" / words[0]
    text_of("view", stack, *VOXEL, *PHASES, "--out", str(out), *words[1:])
    assert out.stat().st_size > 1000
    if out.suffix == ".png":
        with Pillow.open(out) as picture:
            assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("v.jpg",), "neither a page nor a figure"),
        (("v.png", "--show", "carbon"), "no phase 'carbon'"),
        (("v.png", "--axis", "4"), "4 is not an axis"),
        (("v.png", "--solid", "--axis", "4"), "4 is not an axis"),
        (("v.html", "--solid"), "leave out --solid, or write v.png"),
    ],
)
def test_a_picture_that_cannot_be_is_refused(
    stack: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    out = tmp_path / words[0]
    assert said in refusal(monkeypatch, capsys, "view", stack, *VOXEL, *PHASES, "--out", str(out), *words[1:])
    assert not out.exists()


@pytest.mark.parametrize(
    ("phases", "option"), [("a=1,electrolyte=2,void=0", "--active"), ("active=1,b=2,c=0", "--ionic")]
)
def test_use_is_not_drawn_without_active_material_or_electrolyte(
    stack: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    phases: str,
    option: str,
) -> None:
    out = ("--show", "utilisation", "--out", str(tmp_path / "v.png"))
    assert f"name it with {option}" in refusal(monkeypatch, capsys, "view", stack, *VOXEL, "--phases", phases, *out)


def test_a_large_volume_is_shown_in_blocks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("percolyte.report.volumes.LARGEST_PAGE", 10)
    assert "Shown in blocks of 2 voxels" in volume_page(phases_scene(some_volume()))
    write_volume(some_volume(), tmp_path / "v.h5")
    text_of("view", f"{tmp_path / 'v.h5'}:/labels", "--out", str(tmp_path / "v.html"))


def test_voxel_and_phases_of_the_command_stand_above_those_of_the_file(stack: str) -> None:
    told = CliRunner().invoke(app, ["volume", stack, "--voxel", "0.7 um", "--json"])
    assert json.loads(told.stdout)["voxel_um"] == pytest.approx([0.7] * 3)
    wrong = CliRunner().invoke(app, ["volume", stack, "--phases", "active=199"])
    assert isinstance(wrong.exception, InputError)
    assert "'active'" in str(wrong.exception)


@pytest.mark.parametrize("link", ["itself", "symbolic", "hard", "inside"])
def test_no_command_writes_over_the_volume_that_it_reads(stack: str, tmp_path: Path, link: str) -> None:
    source = tmp_path / "in.tif"
    source.write_bytes(Path(stack).read_bytes())
    out = {"itself": tmp_path / "." / "in.tif", "inside": source / "x.tif"}.get(link, tmp_path / "link.tif")
    if link == "symbolic":
        out.symlink_to(source)
    if link == "hard":
        out.hardlink_to(source)
    for words in (["volume", str(source)], ["segment", str(source)]):
        found = CliRunner().invoke(app, [*words, "--out", str(out)])
        assert isinstance(found.exception, InputError)
        assert "which is read; give another name" in str(found.exception)
    assert source.read_bytes() == Path(stack).read_bytes()


def test_the_description_of_an_array_is_not_written_over_another_file(stack: str, tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text('{"mine": 1}')
    words = ["volume", stack, "--voxel", "1 um", "--out", str(tmp_path / "evaluation.npy")]
    found = CliRunner().invoke(app, words)
    assert isinstance(found.exception, InputError)
    assert (tmp_path / "evaluation.json").read_text() == '{"mine": 1}'
    assert not (tmp_path / "evaluation.npy").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["view", "--axis", "4", "--show", "utilisation", "--out", "o.png"],
        ["volume", "--out", "x.jpg", "--add", "carbon=1 %"],
        ["volume", "--refine", "50000", "--out", "x.tif"],
        ["conduct", "--conductivity", "electrolyte=1 S/m", "--out", "/dev/null/f.npz"],
    ],
)
def test_what_cannot_end_well_is_refused_before_it_begins(stack: str, words: list[str], tmp_path: Path) -> None:
    known = {
        "view": "4 is not an axis",
        "volume": "take a smaller --refine" if "--refine" in words else "has no ending of a volume",
        "conduct": "is no folder",
    }
    found = CliRunner().invoke(app, [words[0], stack, *VOXEL, *PHASES, *words[1:]])
    assert isinstance(found.exception, InputError), found.exception
    assert known[words[0]] in str(found.exception)
