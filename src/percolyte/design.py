"""The design of a cell: the nouns of the whole chain in one frozen tree.

`read_design(path)` reads the TOML file, checks all of it, and reports every
problem at once; `write_design(design)` writes it back with its meaning kept.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, ValidationError, model_validator

from percolyte.errors import InputError, Problem
from percolyte.files import inside, read_toml
from percolyte.impedance.composite import ImpedanceTransport
from percolyte.materials.library import Library
from percolyte.microstructure.files import named_parts
from percolyte.microstructure.pack import Microstructure
from percolyte.nouns import Noun, dotted, listed, problems_of
from percolyte.pouch.convention import PRESETS, Convention, Package, PresetName
from percolyte.transport.effective import ClosureTransport, GivenTransport, MicrostructureTransport, SurrogateTransport
from percolyte.units import (
    ActivationEnergy,
    Area,
    ArealCapacity,
    AreaResistance,
    CellTemperature,
    CellVoltage,
    Concentration,
    Conductivity,
    CostPerEnergy,
    CurrentDensity,
    Density,
    Diffusivity,
    Distance,
    EnergyDensity,
    EntropyCoefficient,
    Fraction,
    HeatCapacity,
    HeatTransfer,
    Loading,
    Mass,
    Pressure,
    Radius,
    RangePerEnergy,
    Ratio,
    SpecificCapacity,
    SpecificEnergy,
    Thickness,
    Voltage,
)

MaterialName = Annotated[str, Field(min_length=1, max_length=80)]


def _adds_up(recipe: dict[str, float]) -> dict[str, float]:
    if not recipe:
        raise ValueError("is empty; name the components and their mass fractions, such as NMC811 = '80 %'")
    whole = sum(recipe.values())
    if abs(whole - 1.0) > 1e-6:
        raise ValueError(f"the mass fractions add up to {100 * whole:.6g} %, not 100 %")
    nothing = [name for name, fraction in recipe.items() if fraction == 0.0]
    if nothing:
        raise ValueError(f"{', '.join(nothing)} has a mass fraction of zero; leave it out")
    return recipe


Recipe = Annotated[dict[MaterialName, Fraction], AfterValidator(_adds_up)]


class Collector(Noun):
    material: MaterialName
    thickness: Thickness


class SizeClass(Noun):
    """Particles of one size, and their share of the active material by volume."""

    radius: Radius
    share: Fraction


class ActiveMaterial(Noun):
    """The user's own values for the active material, instead of the library's."""

    at_most_one: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("particle_radius", "sizes"),
        ("diffusivity", "diffusivity_table"),
        ("exchange_current_density", "exchange_table"),
        ("entropy_coefficient", "entropy_table"),
    )

    specific_capacity: SpecificCapacity | None = None
    mean_voltage: Voltage | None = None
    initial_efficiency: Fraction | None = None
    density: Density | None = None
    particle_radius: Radius | None = None
    sizes: tuple[SizeClass, ...] | None = None
    """A distribution of sizes instead of one radius."""
    diffusivity: Diffusivity | None = None
    diffusivity_table: str | None = None
    """File of two columns, stoichiometry and m2/s, beside the design; instead of one diffusivity."""
    exchange_current_density: CurrentDensity | None = None
    """At half lithiation: i0(x) = 2 i0 sqrt(x (1 - x))."""
    exchange_table: str | None = None
    """File of two columns, stoichiometry and A/m2, beside the design; instead of that law."""
    maximum_concentration: Concentration | None = None
    stoichiometry: tuple[float, float] | None = None
    """Charged, discharged."""
    kinetics: Literal["butler-volmer", "linear", "marcus"] = "butler-volmer"
    reorganisation_energy: ActivationEnergy | None = None
    """Of Marcus' law."""
    diffusivity_activation_energy: ActivationEnergy | None = None
    """The diffusivity holds at 25 degC and follows Arrhenius from there."""
    exchange_activation_energy: ActivationEnergy | None = None
    """The exchange current density holds at 25 degC and follows Arrhenius from there."""
    film_resistance: AreaResistance = 0.0
    """Of interphase and coating, per active area."""
    contact_fraction: Annotated[Fraction, AfterValidator(lambda value: _some(value))] = 1.0
    """Share of the particle surface that touches electrolyte."""
    utilisation: Annotated[Fraction, AfterValidator(lambda value: _some(value))] = 1.0
    """Share of the material that both ions and electrons reach."""
    open_circuit_potential: str | None = None
    """File of two columns, stoichiometry and volts against Li/Li+ at 25 degC, beside the design."""
    entropy_coefficient: EntropyCoefficient | None = None
    """dU/dT of the open-circuit potential against Li/Li+."""
    entropy_table: str | None = None
    """File of two columns, stoichiometry and dU/dT in V/K, beside the design; instead of one coefficient."""

    @model_validator(mode="after")
    def _window(self) -> ActiveMaterial:
        if self.stoichiometry is not None:
            if not all(0.0 <= x <= 1.0 for x in self.stoichiometry):
                raise ValueError("stoichiometry: both numbers lie between 0 and 1; write for example [0.27, 0.9084]")
            if self.stoichiometry[0] == self.stoichiometry[1]:
                raise ValueError("stoichiometry: the charged and the discharged value are the same")
        if self.sizes is not None:
            whole = sum(size.share for size in self.sizes)
            if not self.sizes or abs(whole - 1.0) > 1e-6:
                raise ValueError(f"sizes: the shares add up to {100 * whole:.6g} %, not 100 %")
        if self.initial_efficiency == 0.0:
            raise ValueError("initial_efficiency: 0 % would deliver nothing; write for example '90 %'")
        return self


TransportChoice = Annotated[
    GivenTransport | ClosureTransport | MicrostructureTransport | SurrogateTransport | ImpedanceTransport,
    Field(discriminator="kind"),
]


class Cathode(Noun):
    """A composite electrode: recipe, amount, density, collector."""

    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("thickness", "loading", "areal_capacity"),
        ("porosity", "density", "pressing_pressure"),
    )

    thickness: Thickness | None = None
    loading: Loading | None = None
    """Of active material."""
    areal_capacity: ArealCapacity | None = None
    porosity: Annotated[Fraction, AfterValidator(lambda value: _not_all_pore(value))] | None = None
    density: Density | None = None
    """Of the whole composite."""
    pressing_pressure: Pressure | None = None
    """The highest the layer was pressed with; its porosity follows from the electrolyte's Heckel law."""
    collector: Collector
    recipe: Recipe
    active: ActiveMaterial = ActiveMaterial()
    transport: TransportChoice | None = None
    microstructure: Microstructure = Microstructure()
    """How the components look, for generated volumes."""


def _not_all_pore(porosity: float) -> float:
    if porosity >= 1.0:
        raise ValueError("a porosity of 100 % leaves no electrode; write for example '10 %'")
    return porosity


class CompositeAnode(Cathode):
    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("thickness", "loading", "areal_capacity", "np_ratio"),
        ("porosity", "density", "pressing_pressure"),
    )

    kind: Literal["composite"] = "composite"
    np_ratio: Ratio | None = None


class LithiumAnode(Noun):
    """A foil of lithium, or of another metal of the library."""

    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = (("thickness", "np_ratio"),)

    kind: Literal["lithium"] = "lithium"
    material: MaterialName = "Li"
    thickness: Thickness | None = None
    np_ratio: Ratio | None = None
    exchange_current_density: CurrentDensity | None = None
    entropy_coefficient: EntropyCoefficient | None = None
    """dU/dT of its potential against Li/Li+."""
    collector: Collector


class NoAnode(Noun):
    """Anode-free: the cathode's lithium is plated on the collector."""

    kind: Literal["none"] = "none"
    exchange_current_density: CurrentDensity | None = None
    collector: Collector


Anode = Annotated[LithiumAnode | CompositeAnode | NoAnode, Field(discriminator="kind")]


class SeparatorFiller(Noun):
    """Binder or scaffold in the electrolyte layer."""

    material: MaterialName
    mass_fraction: Fraction


class SecondLayer(Noun):
    """A second electrolyte layer beside the first."""

    electrolyte: MaterialName
    thickness: Thickness
    conductivity: Conductivity | None = None
    density: Density | None = None


class SeparatorLayer(Noun):
    electrolyte: MaterialName
    thickness: Thickness
    conductivity: Conductivity | None = None
    """Of the film as measured; without it, the library's value and the composition."""
    density: Density | None = None
    """Of the film as measured; without it, the library's value and the composition."""
    binder: SeparatorFiller | None = None
    scaffold: SeparatorFiller | None = None
    porosity: Annotated[Fraction, AfterValidator(_not_all_pore)] = 0.0
    second: SecondLayer | None = None
    """Of a bilayer; `thickness` and the rest describe the first layer alone."""
    microstructure: Microstructure = Microstructure()


class Pouch(Noun):
    """Format of the cell, and the convention with the choices that override it."""

    convention: PresetName = "pouch"
    width: Annotated[Distance, AfterValidator(lambda value: _not_zero(value))] | None = None
    """Of a cathode sheet."""
    height: Annotated[Distance, AfterValidator(lambda value: _not_zero(value))] | None = None
    cathode_sheets: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Double-coated cathode sheets, or the cells in series of a bipolar stack."""
    mean_voltage: CellVoltage | None = None
    """Of one cell during discharge, instead of cathode minus anode."""
    bipolar_plate: Collector | None = None
    stacking: Literal["parallel", "bipolar", "single"] | None = None
    collectors: Literal["full", "half"] | None = None
    end_anodes: Literal["coated", "bare"] | None = None
    capacity_basis: Literal["reversible", "first charge", "delivered"] | None = None
    np_basis: Literal["reversible", "first charge"] | None = None
    lithium: Literal["total", "reserve"] | None = None
    thickness_state: Literal["assembled", "charged"] | None = None
    package: Annotated[Package | None, BeforeValidator(lambda value: None if value == "none" else value)] = None
    """Instead of the preset's; "none" for a cell without."""
    overhang: Distance | None = None
    other_mass: Fraction | None = None

    @property
    def choices(self) -> Convention:
        """The convention with every override of this design in it."""
        preset = PRESETS[self.convention]
        choices = {name: getattr(self, name, None) for name in Convention.model_fields}
        own = {name: choice for name, choice in choices.items() if choice not in (None, getattr(preset, name))}
        if "package" in self.model_fields_set and self.package is None and preset.package is not None:
            own["package"] = None
        return preset.model_copy(update={**own, "overrides": tuple(own)})

    @model_validator(mode="after")
    def _stack(self) -> Pouch:
        single = (self.stacking or PRESETS[self.convention].stacking) == "single"
        missing = [name for name in ("width", "height", "cathode_sheets") if getattr(self, name) is None]
        if missing and not single:
            raise ValueError(f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing for a stack of sheets")
        if single and (self.cathode_sheets or 1) != 1:
            raise ValueError(
                "a single unit cell has one cathode; leave out cathode_sheets or set stacking = 'parallel'"
            )
        return self


def _not_zero(length: float) -> float:
    if length <= 0.0:
        raise ValueError("a side of zero length makes no cell; write for example '102 mm'")
    return length


class Vehicle(Noun):
    """What an electric vehicle makes of a specific energy."""

    cell_mass: Mass = 400.0
    distance_per_energy: RangePerEnergy = 1.0 / 600.0
    """6 km/kWh; both defaults: Wang et al. 2021, section 6.1."""
    pack_factor: Annotated[Fraction, AfterValidator(lambda value: _some(value))] = 1.0
    """Share of the battery's mass that is cells, where `cell_mass` is that of the battery."""


def _some(fraction: float) -> float:
    if fraction <= 0.0:
        raise ValueError("is more than zero; write for example '80 %'")
    return fraction


class Targets(Noun):
    """What the cell should reach; each given target becomes a check."""

    specific_energy: SpecificEnergy | None = None
    energy_density: EnergyDensity | None = None
    cost_per_energy: CostPerEnergy | None = None
    """Of the materials alone."""
    cycles: Annotated[float, Field(gt=0, le=1e6)] = 1000.0
    """To 80 % of the capacity."""
    coulombic_efficiency: Annotated[Fraction, AfterValidator(lambda value: _some(value))] = 0.9995


class Salt(Noun):
    """The salt of a polymer electrolyte, whose concentration is then an unknown."""

    concentration: Concentration
    transference_number: Annotated[float, Field(ge=-1.0, le=1.0)]
    diffusivity: Diffusivity
    """Of the salt, both ions together."""
    thermodynamic_factor: Ratio = 1.0


class Thermal(Noun):
    """A cell at one temperature of its own, warmed by its losses and cooled to the ambient."""

    heat_capacity: HeatCapacity
    """Of the whole cell, per cathode area of one unit cell."""
    cooling: HeatTransfer
    """Per the same area and kelvin."""


Sign = Literal["charge positive", "discharge positive"]


class Measured(Noun):
    """Discharges of such a cell, in a file of a cycler or of one published curve."""

    at_most_one: ClassVar[tuple[tuple[str, ...], ...]] = (("current", "c_rate"),)

    file: str
    """Beside the design; columns are found by their headings, which name their units."""
    area: Area | None = None
    """Of the measured electrode, for columns in amperes and ampere hours."""
    sign: Sign | None = None
    """Which current is positive, where the data do not tell."""
    current: CurrentDensity | None = None
    """Of a discharge whose file has no column for it."""
    c_rate: Annotated[float, Field(ge=1e-6, le=1e4)] | None = None
    """The same, 1/h of this design's reversible capacity."""


class Design(Noun):
    """A cell from powder to pouch, as a person describes it."""

    format: Literal[1] = 1
    name: str = Field(default="unnamed cell", max_length=200)
    note: str | None = Field(default=None, max_length=4000)
    temperature: CellTemperature = 298.15
    stack_pressure: Pressure | None = None
    contact_resistance: AreaResistance = 0.0
    """At the collectors, both together."""
    cathode: Cathode
    separator: SeparatorLayer
    anode: Anode
    pouch: Pouch = Pouch(convention="unit-cell")
    vehicle: Vehicle = Vehicle()
    targets: Targets = Targets()
    salt: Salt | None = None
    """For polymers; without it only lithium ions move."""
    thermal: Thermal | None = None
    """Without it the cell is held at `temperature`, which with it is the ambient."""
    protocol: tuple[str, ...] | None = None
    """Steps that `simulate` runs, such as 'discharge at 1C until 2.5 V'."""
    measured: tuple[Measured, ...] | None = None
    """Data that `run` shows beside the model's discharges, and to which `fit` fits."""
    materials: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Substances that the library lacks, in the library's own format."""

    _folder: Path = PrivateAttr(default=Path())
    """Where the files that the design names lie."""
    _file: str = PrivateAttr(default="")

    @property
    def folder(self) -> Path:
        """Where the files that the design names lie."""
        return self._folder

    @property
    def label(self) -> str:
        """The file of the design, or its name if it is of no file: for messages."""
        return self._file or self.name

    def __eq__(self, other: object) -> bool:
        """Same meaning; where the files lie does not count."""
        return isinstance(other, Design) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    @property
    def library(self) -> Library:
        return Library(self.materials)

    @property
    def digest(self) -> str:
        """Fingerprint of the meaning: the key for caches and stores."""
        text = json.dumps(self.model_dump(mode="json", exclude_none=True), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


def read_design(path: str | os.PathLike[str]) -> Design:
    """A design file, checked as a whole.

    Errors: InputError that names every problem and what to write instead.
    """
    return design_from(read_toml(path), source=str(path), folder=Path(path).parent)


def design_from(data: Mapping[str, Any], *, source: str = "", folder: Path | None = None) -> Design:
    """A design from the tables of its file."""
    problems: list[Problem] = []
    design = None
    if data.get("format") is None:
        problems.append(Problem("format", "is missing; write format = 1 at the top"))
    try:
        design = Design.model_validate(dict(data), context={"from_file": True})
    except ValidationError as error:
        problems += problems_of(error)
    known = {problem.where for problem in problems}
    problems += [problem for problem in _library_problems(data) if problem.where not in known]
    problems += _file_problems(data, folder or Path())
    if problems or design is None:
        raise InputError(sorted(problems, key=lambda problem: _order(problem.where, data)), source=source)
    design._folder = folder or Path()
    design._file = source
    return design


def _order(where: str, data: Mapping[str, Any]) -> int:
    """Problems come in the order of the file's tables."""
    tables = [*data]
    head = where.split(".")[0]
    return tables.index(head) if head in tables else -1


def _named_materials(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every substance that the raw data name, with the place where they do."""

    def table(*path: str) -> Mapping[str, Any]:
        found: Any = data
        for name in path:
            found = found.get(name, {}) if isinstance(found, Mapping) else {}
        return found if isinstance(found, Mapping) else {}

    for side in ("cathode", "anode"):
        for name in table(side, "recipe"):
            yield (side, "recipe", name), name
        yield (side, "collector", "material"), table(side, "collector").get("material", "")
    yield ("anode", "material"), table("anode").get("material", "")
    yield ("separator", "electrolyte"), table("separator").get("electrolyte", "")
    yield ("separator", "second", "electrolyte"), table("separator", "second").get("electrolyte", "")
    for filler in ("binder", "scaffold"):
        yield ("separator", filler, "material"), table("separator", filler).get("material", "")
    yield ("pouch", "bipolar_plate", "material"), table("pouch", "bipolar_plate").get("material", "")


def _library_problems(data: Mapping[str, Any]) -> list[Problem]:
    """Substances that do not exist, or are described wrongly in [materials]."""
    own = data.get("materials", {})
    library = Library(own if isinstance(own, Mapping) else {})
    problems: dict[str, Problem] = {}
    places = [*_named_materials(data)]
    places += [(("materials", name), name) for name in (own if isinstance(own, Mapping) else {})]
    for path, name in places:
        if not isinstance(name, str) or not name:
            continue
        try:
            library.material(name)
        except InputError as error:
            for problem in error.problems:
                where = problem.where or dotted(path)
                problems.setdefault(f"{where}: {problem.what}", Problem(where, problem.what))
    return list(problems.values())


def _measurement_files(transport: Any) -> Iterator[tuple[str, str]]:
    """Fields of a transport table that name measured files, as far as they are text."""
    measurements = transport.get("measurements") if isinstance(transport, Mapping) else None
    for number, one in enumerate(measurements if isinstance(measurements, list) else [], start=1):
        if isinstance(one, Mapping) and isinstance(one.get("file"), str):
            yield f"measurements.{number}.file", one["file"]


def _file_problems(data: Mapping[str, Any], folder: Path) -> list[Problem]:
    """Files named by the design that are absent or lie outside its folder."""
    problems = []
    for side in ("cathode", "anode"):
        table = data.get(side)
        table = table if isinstance(table, Mapping) else {}
        active = table.get("active")
        for field in ("open_circuit_potential", "entropy_table", "diffusivity_table", "exchange_table"):
            name = active.get(field) if isinstance(active, Mapping) else None
            if isinstance(name, str):
                problems += _file_problem(f"{side}.active.{field}", name, folder)
        transport = table.get("transport")
        for field in ("volume", "particles"):
            name = transport.get(field) if isinstance(transport, Mapping) else None
            if isinstance(name, str):
                where, bare = f"{side}.transport.{field}", str(named_parts(name)[0])
                problems += _file_problem(where, bare, folder, of_slices=True)
        for where, name in _measurement_files(transport):
            problems += _file_problem(f"{side}.transport.{where}", name, folder)
    measured = data.get("measured")
    for number, one in enumerate(measured if isinstance(measured, list) else [], start=1):
        name = one.get("file") if isinstance(one, Mapping) else None
        if isinstance(name, str):
            problems += _file_problem(f"measured.{number}.file", name, folder)
    return problems


def _file_problem(where: str, name: str, folder: Path, *, of_slices: bool = False) -> list[Problem]:
    """What is wrong with a named file, or with a folder where one of slices will do."""
    try:
        path = inside(folder, name)
        found = path.is_file() or (of_slices and path.is_dir())
    except InputError as error:
        return [Problem(where, problem.what) for problem in error.problems]
    return [] if found else [Problem(where, f"there is no file {name!r} beside the design")]


def write_design(design: Design, path: str | os.PathLike[str] | None = None) -> str:
    """The design as TOML text that reads back to the same design; also to a file."""
    import tomlkit

    data = _without_none(design.model_dump(mode="json", exclude_unset=True))
    if "package" in design.pouch.model_fields_set and design.pouch.package is None:
        data["pouch"]["package"] = "none"
    document = tomlkit.dumps({"format": 1, **data})
    if path is not None:
        Path(path).write_text(document, encoding="utf-8")
    return document


def _without_none(table: dict[str, Any]) -> dict[str, Any]:
    """TOML knows no null: what is not given is left out."""

    def kept(value: Any) -> Any:
        if isinstance(value, list):
            return [kept(item) for item in value]
        return _without_none(value) if isinstance(value, dict) else value

    return {name: kept(value) for name, value in table.items() if value is not None}
