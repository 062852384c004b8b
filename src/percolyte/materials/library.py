"""Finding substances by name: shipped, plug-in, in a folder, in a design.

The shipped library is the folder `library/`, one TOML file per substance,
sorted into folders by kind. A package adds its own by the entry point group
`percolyte.materials`, whose value is a module with TOML files beside it; a
user adds a folder of files, or a `[materials]` table in the design. Later
layers win over earlier ones: design, folder, plug-ins, shipped.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from percolyte.errors import InputError, Problem, suggestion
from percolyte.files import read_toml
from percolyte.materials.substance import Substance
from percolyte.nouns import read_noun

SHIPPED = Path(__file__).with_name("library")
FOLDER_VARIABLE = "PERCOLYTE_MATERIALS"
"""Environment variable that names the user's own folder of substances."""


def slug(name: str) -> str:
    """The file stem of a substance: its name with only letters, digits, points and hyphens."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")


def _key(name: str) -> str:
    """Names are compared without case, spaces, hyphens and underscores."""
    return re.sub(r"[\s_-]+", "", name).casefold()


def _folders() -> list[Path]:
    """Folders of TOML files, those that win first."""
    own = os.environ.get(FOLDER_VARIABLE)
    folders = [Path(own)] if own else []
    if own and not folders[0].is_dir():
        raise InputError(f"{FOLDER_VARIABLE} names {own}, which is not a folder")
    return [*folders, *_plugins(), SHIPPED]


@lru_cache(maxsize=1)
def _plugins() -> tuple[Path, ...]:
    """Folders of installed packages that bring substances; looked for once, because it is slow."""
    entries = entry_points(group="percolyte.materials")
    return tuple(Path(folder) for entry in entries for folder in import_module(entry.value).__path__)


@lru_cache(maxsize=8)
def _files(folder: Path) -> dict[str, Path]:
    return {_key(path.stem): path for path in sorted(folder.rglob("*.toml"))}


def _read(path: Path) -> dict[str, Any]:
    data = read_toml(path)
    if not isinstance(data.get("name"), str):
        raise InputError([Problem("name", "is missing")], source=str(path))
    return data


@lru_cache(maxsize=1024)
def _substance(path: Path, modified: int) -> Substance:
    """The substance of a file; read again once the file is modified."""
    return read_noun(Substance, _read(path), source=str(path))


class Library:
    """The substances that one run may name.

    `own` is the `[materials]` table of a design: name -> raw fields.
    """

    def __init__(self, own: Mapping[str, Any] | None = None) -> None:
        self._own = self._keyed(own or {})
        self._found: dict[str, Substance] = {}

    @staticmethod
    def _keyed(own: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
        """The design's own tables by every name that means them: theirs, their aliases, the library's."""
        keyed: dict[str, tuple[str, Any]] = {}
        for name, data in own.items():
            aliases = data.get("aliases", ()) if isinstance(data, Mapping) else ()
            names = [name, *(alias for alias in aliases if isinstance(alias, str))]
            if (path := Library._shipped_path(name) or Library._aliases().get(_key(name))) is not None:
                names.append(str(_read(path)["name"]))
            keyed |= {_key(known): (name, data) for known in names}
        return keyed

    def material(self, name: str) -> Substance:
        """The substance of this name or alias.

        Errors: InputError with the nearest names, if there is none.
        """
        key = _key(name)
        if key not in self._found:
            self._found[key] = self._build(name, key)
        return self._found[key]

    def find(self, name: str) -> Substance | None:
        """The substance of this name or alias, if there is one."""
        key = _key(name)
        known = key in self._own or self._shipped_path(name) or self._aliases().get(key)
        return self.material(name) if known else None

    def _build(self, name: str, key: str) -> Substance:
        if key in self._own:
            return self._build_own(*self._own[key])
        path = self._path(name, key)
        return _substance(path, path.stat().st_mtime_ns)

    def _build_own(self, name: str, data: Any) -> Substance:
        where = f'materials."{name}"'
        if not isinstance(data, Mapping):
            raise InputError([Problem(where, "is a table of properties, such as density and kind")])
        base = data.get("based_on", name)
        inherited: dict[str, Any] = {}
        if "based_on" in data or self._shipped_path(name) or self._aliases().get(_key(name)):
            inherited = _read(self._path(str(base), _key(str(base))))
            name = name if "based_on" in data else str(inherited["name"])
            absent = {k: v for k, v in inherited.get("absent", {}).items() if k not in data}
            inherited = {**inherited, "aliases": [], "absent": absent}
        return read_noun(Substance, {**inherited, **data, "name": name}, prefix=where)

    def _path(self, name: str, key: str) -> Path:
        path = self._shipped_path(name) or self._aliases().get(key)
        if path is None:
            raise InputError(
                f"{name!r} is not in the materials library (see `percolyte materials list`, "
                f'or describe it in [materials."{name}"]){suggestion(name, self.names())}'
            )
        return path

    @staticmethod
    def _shipped_path(name: str) -> Path | None:
        return next(
            (files[_key(slug(name))] for folder in _folders() if _key(slug(name)) in (files := _files(folder))), None
        )

    @staticmethod
    def _aliases() -> dict[str, Path]:
        return _aliases(tuple(_folders()))

    def names(self) -> list[str]:
        """Every name and alias that `material` answers to."""
        files = [path for folder in reversed(_folders()) for path in _files(folder).values()]
        known = [name for path in files for data in [_read(path)] for name in (data["name"], *data.get("aliases", ()))]
        return sorted({*known, *(name for name, _ in self._own.values())})

    def substances(self) -> Iterator[Substance]:
        """Every substance once, by kind and name."""
        keys = {key: path.stem for folder in reversed(_folders()) for key, path in _files(folder).items()}
        keys |= {key: name for key, (name, _) in self._own.items()}
        found = [self.material(name) for name in keys.values()]
        yield from sorted(found, key=lambda substance: (substance.kind, substance.name.casefold()))


@lru_cache(maxsize=8)
def _aliases(folders: tuple[Path, ...]) -> dict[str, Path]:
    aliases: dict[str, Path] = {}
    for folder in reversed(folders):
        for path in _files(folder).values():
            data = _read(path)
            aliases |= {_key(alias): path for alias in (data["name"], *data.get("aliases", ()))}
    return aliases


def material(name: str) -> Substance:
    """A substance of the library, by name or alias."""
    return Library().material(name)


def search(
    library: Library,
    *,
    kind: str | None = None,
    words: str = "",
    min_conductivity: float | None = None,
    window: float | None = None,
) -> list[Substance]:
    """Substances that meet every given condition.

    `min_conductivity` in S/m at the conditions of the default value; `window`
    a potential in V against Li/Li+ that must lie inside the stability window.
    """

    def fits(substance: Substance) -> bool:
        if kind is not None and kind not in substance.roles:
            return False
        told = " ".join(
            [substance.name, *substance.aliases, substance.formula or "", substance.family or "", substance.note or ""]
        )
        if not all(word in told.casefold() for word in words.casefold().split()):
            return False
        if min_conductivity is not None:
            sigma = substance.default("ionic_conductivity")
            if sigma is None or sigma.number < min_conductivity:
                return False
        if window is not None:
            span = substance.default("stability_window")
            if span is None or not (span.value or 0.0) <= window <= (span.upper if span.upper is not None else 0.0):
                return False
        return True

    return [substance for substance in library.substances() if fits(substance)]
