"""The designs that come with percolyte."""

from __future__ import annotations

from pathlib import Path

from percolyte.errors import InputError, suggestion
from percolyte.files import read_toml

SHIPPED = Path(__file__).with_name("designs")


def shipped_designs() -> list[tuple[Path, str]]:
    """File and title of every shipped design."""
    return [(path, str(read_toml(path).get("name", ""))) for path in sorted(SHIPPED.glob("*.toml"))]


def find_design(name: str) -> Path:
    """A design file as named, or a shipped one of that name if there is no such file."""
    path = Path(name)
    shipped = SHIPPED / f"{path.stem}.toml"
    if path.exists() or path.parent != Path():
        return path
    if path.name in (shipped.stem, shipped.name) and shipped.exists():
        return shipped
    if path.suffix:
        return path
    names = [found.stem for found, _ in shipped_designs()]
    raise InputError(
        f"there is no file {name!r}, and no shipped design{suggestion(name, names) or '; there are ' + ', '.join(names)}"
    )


def copy_design(name: str, out: Path | None) -> tuple[Path, ...]:
    """Write a shipped design, and the data files that it names, to files that do not exist yet; `out` may be a folder."""
    source = SHIPPED / f"{name}.toml"
    names = [path.stem for path, _ in shipped_designs()]
    if name not in names:
        raise InputError(f"there is no example {name!r}{suggestion(name, names) or '; there are ' + ', '.join(names)}")
    target = out or Path(f"{name}.toml")
    if target.is_dir():
        target /= f"{name}.toml"
    copies = {target: source} | {target.with_name(data.name): data for data in sorted(SHIPPED.glob(f"{name}.*.csv"))}
    for copy in copies:
        if copy.exists():
            raise InputError(f"{copy} exists already; choose another name or folder with --out")
    for copy, original in copies.items():
        copy.write_text(original.read_text(encoding="utf-8"), encoding="utf-8")
    return tuple(copies)
