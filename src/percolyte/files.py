"""Reading text files that may not be what their name says, and writing files whole."""

from __future__ import annotations

import csv
import math
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from percolyte.errors import InputError

LARGEST = 16 * 1024 * 1024
"""Bytes; a design or table beyond this is a mistake, not a file to wait for."""


_DIVISIONS = ("\t", ";", ",")
"""Between the entries of a table; the first of those that are as frequent in its headings."""


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a UTF-8 file, or an InputError that says what is wrong with it."""
    path = Path(path)
    try:
        if path.is_dir():
            inside = sorted(item.name for item in path.glob("*.toml"))[:5]
            hint = f"; it holds {', '.join(inside)}" if inside else ""
            raise InputError(f"is a directory, not a file{hint}", source=str(path))
        if not path.exists():
            near = sorted(item.name for item in path.parent.glob(f"*{path.suffix}"))[:5] if path.parent.is_dir() else []
            hint = f"; {path.parent or '.'} holds {', '.join(near)}" if near else ""
            raise InputError(f"there is no such file{hint}", source=str(path))
        if path.stat().st_size > LARGEST:
            raise InputError(f"is larger than {LARGEST >> 20} MiB; is it the right file?", source=str(path))
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot be read: {reason}", source=str(path)) from None
    return _decode(data, str(path))


def _decode(data: bytes, name: str) -> str:
    for mark, encoding in ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")):
        if data.startswith(mark):
            raise InputError(f"is written in {encoding}; save it as UTF-8", source=name)
    if b"\0" in data:
        raise InputError("is a binary file, not text", source=name)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise InputError(
            f"line {line} holds the byte 0x{byte:02x}, which is not UTF-8; save the file as UTF-8", source=name
        ) from None


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The tables of a TOML file."""
    text = read_text(path)
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise InputError(f"is not TOML: {_explain(str(error), text)}", source=str(path)) from None


def _explain(message: str, text: str) -> str:
    """The parser's message, with the quotes that a value with a unit needs."""
    message = message[:1].lower() + message[1:]
    found = re.search(r"at line (\d+)", message)
    line = text.splitlines()[int(found[1]) - 1] if found else ""
    bare = re.match(r"\s*([^=]+?)\s*=\s*([-+.\d][^\"'#\[\]{}]*?)\s*(#.*)?$", line)
    return f'{message}; a value with a unit needs quotes: write {bare[1]} = "{bare[2]}"' if bare else message


def read_pairs(path: str | os.PathLike[str], what: str) -> list[tuple[float, float]]:
    """Two columns of numbers, divided by commas, semicolons or blanks; one heading line is allowed.

    `what` names the columns in the message for a line that is not two finite numbers.
    """
    rows: list[tuple[float, float]] = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        words = line.replace(",", " ").replace(";", " ").split()
        if not words or line.lstrip().startswith("#"):
            continue
        try:
            row = (float(words[0]), float(words[1]))
        except (ValueError, IndexError):
            row = (math.nan, math.nan)
        if all(map(math.isfinite, row)):
            rows.append(row)
        elif rows or number > 1:
            raise InputError(f"line {number} is not two numbers, {what}: {line[:60]!r}", source=str(path))
    return rows


def read_rows(path: str | os.PathLike[str]) -> tuple[list[tuple[int, list[str]]], bool]:
    """Filled rows of a CSV table with their lines, divided by tabs, semicolons or commas, and whether commas are decimal."""
    lines = read_text(path).splitlines()
    first = next((line for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
    division = max(_DIVISIONS, key=first.count)
    rows = csv.reader(lines, delimiter=division, skipinitialspace=True)
    filled = [(rows.line_num, [word.strip() for word in row]) for row in rows if any(word.strip() for word in row)]
    return filled, division != ","


def pointed(word: str) -> str:
    """A number with its decimal comma, and perhaps a unit behind it, with a point instead; any other word as it is."""
    return re.sub(r"^([-+]?\d*),(\d+)(?![\d,])", r"\1.\2", word)


def write_whole(path: Path, content: bytes) -> None:
    """Whole or not at all: a file that was there stays until the new one is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    beside.replace(path)


def inside(folder: Path, name: str) -> Path:
    """The file `name` below `folder`; a path that leaves the folder is refused."""
    try:
        path = (folder / name).resolve()
        path.is_file()
    except (ValueError, OSError):
        raise InputError(f"{name[:60]!r} is no name that a file can have") from None
    if not path.is_relative_to(folder.resolve()):
        raise InputError(f"{name!r} leads out of {folder}; keep the file beside the design")
    return path
