"""A substance: every value with unit, conditions and source."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar, cast

from pydantic import BeforeValidator, Field, create_model, model_validator

from percolyte.errors import InputError
from percolyte.materials.open_circuit import EntropyCoefficientCurve, OpenCircuitPotential
from percolyte.nouns import Noun
from percolyte.sources import Source
from percolyte.units import (
    ACTIVATION_ENERGY,
    AREAL_MASS,
    CONCENTRATION,
    CONDUCTIVITY,
    CURRENT_DENSITY,
    DENSITY,
    DIFFUSIVITY,
    FRACTION,
    MODULUS,
    PRESSURE,
    PRICE,
    PRICE_PER_AREA,
    RADIUS,
    SPECIFIC_CAPACITY,
    TEMPERATURE,
    THICKNESS,
    VOLTAGE,
    VOLUME_CHANGE,
    Dimension,
    Temperature,
    text,
)

Kind = Literal["electrolyte", "cathode", "anode", "binder", "carbon", "coating", "foil", "package", "scaffold"]

PROPERTIES: dict[str, Dimension] = {
    "density": DENSITY,
    "press_density": DENSITY,
    "areal_mass": AREAL_MASS,
    "thickness": THICKNESS,
    "particle_radius": RADIUS,
    "price": PRICE,
    "price_per_area": PRICE_PER_AREA,
    "ionic_conductivity": CONDUCTIVITY,
    "electronic_conductivity": CONDUCTIVITY,
    "activation_energy": ACTIVATION_ENERGY,
    "vtf_energy": ACTIVATION_ENERGY,
    "vtf_temperature": TEMPERATURE,
    "transference_number": FRACTION,
    "heckel_pressure": PRESSURE,
    "loose_porosity": FRACTION,
    "stability_window": VOLTAGE,
    "theoretical_capacity": SPECIFIC_CAPACITY,
    "specific_capacity": SPECIFIC_CAPACITY,
    "mean_voltage": VOLTAGE,
    "initial_efficiency": FRACTION,
    "volume_change": VOLUME_CHANGE,
    "diffusivity": DIFFUSIVITY,
    "exchange_current_density": CURRENT_DENSITY,
    "maximum_concentration": CONCENTRATION,
    "lithium_concentration": CONCENTRATION,
    "bulk_modulus": MODULUS,
    "shear_modulus": MODULUS,
    "youngs_modulus": MODULUS,
    "tensile_strength": PRESSURE,
    "glass_transition": TEMPERATURE,
    "melting_point": TEMPERATURE,
}
"""Every property a substance may have, and what kind of number it is."""
CURVES = ("open_circuit_potential", "entropy_coefficient")
"""What a substance may state as a function of stoichiometry."""


class Datum(Noun):
    """One published value of one property, with its conditions and source."""

    value: float | None = None
    upper: float | None = None
    """Upper end, where the source gives a range or a window."""
    qualifier: Literal["=", "~", "<", ">", "<=", ">="] = "="
    temperature: Temperature | None = None
    temperature_assumed: bool = False
    """True where the source says only 'room temperature', taken as 25 degC."""
    form: str | None = None
    """Pellet, film, sintered, single crystal, glass ..."""
    component: str | None = None
    """Total, grain, grain boundary ..."""
    state_of_charge: str | None = None
    method: Literal["experiment", "calculation", "convention"] = "experiment"
    date: str | None = None
    """Year or year-month of a price."""
    default: bool = False
    doubt: str | None = None
    """Why this value is contested or suspicious."""
    unconfirmed: bool = False
    """True where the value was entered without the source at hand."""
    note: str | None = None
    source: Source | None = None
    """None only for a value of the user's own."""

    @model_validator(mode="after")
    def _some_value(self) -> Self:
        if self.value is None and self.upper is None:
            raise ValueError("a record needs a value, an upper, or both")
        return self

    @property
    def number(self) -> float:
        """The one number to calculate with: of a range the geometric mean."""
        if self.value is None or self.upper is None:
            return cast(float, self.upper if self.value is None else self.value)
        if self.value > 0 and self.upper > 0:
            return math.sqrt(self.value * self.upper)
        return (self.value + self.upper) / 2

    @property
    def conditions(self) -> str:
        """Form, component, temperature and state of charge in one phrase."""
        words = [self.component, self.form, self.state_of_charge and f"at {self.state_of_charge}"]
        if self.temperature is not None:
            words.append(
                text(self.temperature, TEMPERATURE, digits=4) + (" (room)" if self.temperature_assumed else "")
            )
        if self.method == "calculation":
            words.append("calculated")
        if self.date:
            words.append(self.date)
        return ", ".join(word for word in words if word)

    def shown(self, dimension: Dimension) -> str:
        """The value as people read it, such as '~ 1.3 mS/cm' or '1.7 V to 2.1 V'."""
        ends = [text(end, dimension, digits=5) for end in (self.value, self.upper) if end is not None]
        if self.value is None:
            ends = ["up to", *ends]
            return " ".join(ends)
        return ("" if self.qualifier == "=" else f"{self.qualifier} ") + " to ".join(ends)

    @property
    def said(self) -> str:
        """The source in words."""
        said = str(self.source) if self.source else "your own value"
        return said + (" (not yet compared with the source)" if self.unconfirmed else "")


def _records(data: Any) -> Any:
    """A bare text is the user's own value; one table is a list of one."""
    if isinstance(data, str | int | float) and not isinstance(data, bool):
        return [{"value": data}]
    return [data] if isinstance(data, Mapping) else data


def _datum(name: str, dimension: Dimension) -> Any:
    quantity = Annotated[float, dimension] | None
    model = create_model(f"Datum_{name}", __base__=Datum, value=(quantity, None), upper=(quantity, None))
    return Annotated[tuple[model, ...], BeforeValidator(_records), Field(min_length=1)]


class SubstanceHeader(Noun):
    """What a substance is, before its numbers."""

    format: Literal[1] = 1
    name: str = Field(min_length=1, max_length=80)
    kind: Kind
    also: tuple[Kind, ...] = ()
    """Further roles, such as an electrolyte that serves as coating."""
    aliases: tuple[str, ...] = ()
    formula: str | None = None
    family: str | None = None
    based_on: str | None = None
    """The substance whose remaining values this one takes over."""
    note: str | None = None
    absent: dict[str, str] = Field(default_factory=dict)
    """Properties looked for without success, and why."""
    open_circuit_potential: Annotated[tuple[OpenCircuitPotential, ...], BeforeValidator(_records)] = ()
    entropy_coefficient: Annotated[tuple[EntropyCoefficientCurve, ...], BeforeValidator(_records)] = ()

    @model_validator(mode="after")
    def _one_default(self) -> Self:
        for name in (*PROPERTIES, *CURVES):
            data = getattr(self, name, None) or ()
            defaults = sum(datum.default for datum in data)
            if len(data) > 1 and defaults != 1:
                raise ValueError(f"{name} has {len(data)} values, {defaults} of them marked default; mark one")
        unknown = [name for name in self.absent if name not in PROPERTIES and name not in CURVES]
        if unknown:
            raise ValueError(f"absent names {', '.join(unknown)}, which is no property")
        both = [name for name in self.absent if getattr(self, name, None)]
        if both:
            raise ValueError(f"{', '.join(both)} is both given and absent")
        return self


class Substance(
    create_model(  # type: ignore[misc]
        "SubstanceData",
        __base__=SubstanceHeader,
        **cast(Any, {name: (_datum(name, dimension) | None, None) for name, dimension in PROPERTIES.items()}),
    )
):
    """One substance of the library or of the user."""

    def data(self, name: str) -> tuple[Datum, ...]:
        """All values of a property, none if the substance has none."""
        return getattr(self, name) or ()

    def default(self, name: str) -> Datum | None:
        """The stated default among the values of a property."""
        return _default(self.data(name))

    def need(self, name: str) -> Datum:
        """The default value of a property, or a message how to supply it."""
        datum = self.default(name)
        if datum is None:
            reason = self.absent.get(name)
            raise InputError(
                f"{self.name} has no {name.replace('_', ' ')}"
                + (f" ({reason})" if reason else "")
                + f'; write {name} = "{PROPERTIES[name].example}" in [materials."{self.name}"] of the design'
            )
        return datum

    @property
    def roles(self) -> tuple[str, ...]:
        return (self.kind, *self.also)

    @property
    def phase(self) -> str:
        """What it is in a microstructure: active, electrolyte, or its kind."""
        if self.kind in ("cathode", "anode"):
            return "active"
        if "electrolyte" in self.roles and self.kind != "coating":
            return "electrolyte"
        return str(self.kind)

    @property
    def potential(self) -> OpenCircuitPotential | None:
        """The stated default among the open-circuit potentials."""
        return _default(self.open_circuit_potential)

    @property
    def entropy(self) -> EntropyCoefficientCurve | None:
        """The stated default among the entropy coefficients."""
        return _default(self.entropy_coefficient)


D = TypeVar("D", Datum, OpenCircuitPotential, EntropyCoefficientCurve)


def _default(stated: tuple[D, ...]) -> D | None:
    """The one marked default, the first where only one is stated, None where none is."""
    return next((one for one in stated if one.default), stated[0] if stated else None)
