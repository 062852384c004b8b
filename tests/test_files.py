"""Files that are not what they should be: one sentence, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from percolyte.errors import InputError
from percolyte.files import LARGEST, inside, pointed, read_text, read_toml


def refusal(path: Path | str) -> str:
    with pytest.raises(InputError) as caught:
        read_toml(path)
    message = str(caught.value)
    assert str(path).replace("\0", "") in message.replace("\0", "") or "null" in message
    return message


def test_a_text_file_is_read_with_and_without_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfname = '\xc2\xb5m'\r\n")
    assert read_toml(path) == {"name": "µm"}


def test_a_missing_file_is_named_with_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "cell.toml").write_text("format = 1")
    message = refusal(tmp_path / "cel.toml")
    assert "no such file" in message
    assert "cell.toml" in message


def test_a_missing_folder_is_no_traceback(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "nowhere" / "cell.toml")


def test_a_directory_is_named_with_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "cell.toml").write_text("format = 1")
    message = refusal(tmp_path)
    assert "is a directory" in message
    assert "cell.toml" in message


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    assert "binary" in refusal(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_refused(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes("name = 'x'".encode(encoding))
    message = refusal(path)
    assert "UTF-8" in message or "binary" in message


def test_latin_1_is_refused_with_line_and_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes("format = 1\nname = '80 µm'\n".encode("latin-1"))
    message = refusal(path)
    assert "line 2" in message
    assert "0xb5" in message


def test_a_huge_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)
    assert "larger than 16 MiB" in refusal(path)


def test_a_file_of_the_largest_size_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"#" * LARGEST)
    assert len(read_text(path)) == LARGEST


@pytest.mark.parametrize(
    "content",
    ["thickness = 80 um", "[cathode", "a = 1\na = 2", "a = ", "x" * 1000, "a=" + "[" * 20_000],
)
def test_what_is_no_toml_is_said_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(content)
    assert "is not TOML" in refusal(path)


def test_a_value_without_quotes_gets_the_advice(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("format = 1\nthickness = 80 um\n")
    assert 'thickness = "80 um"' in refusal(path)


@pytest.mark.parametrize("name", ["a\0b.toml", "x" * 5000])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        read_text(name)


@pytest.mark.parametrize("name", ["../a.csv", "/etc/passwd", "b/../../a.csv", "..", "a\0b"])
def test_a_path_that_leaves_the_folder_or_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        inside(tmp_path, name)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "designs"
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path)
    with pytest.raises(InputError, match="leads out"):
        inside(folder, "out/secret.csv")


def test_a_path_within_the_folder_is_found(tmp_path: Path) -> None:
    assert inside(tmp_path, "curves/../a.csv") == tmp_path.resolve() / "a.csv"


def test_a_decimal_comma_becomes_a_point_and_no_other_comma_does() -> None:
    words = {"25,5": "25.5", "-,5e3 um": "-.5e3 um", "1,234,5": "1,234,5", "a,5": "a,5", "7": "7", "1,": "1,"}
    assert {word: pointed(word) for word in words} == words
