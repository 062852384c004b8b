"""Text with units at the boundary, plain SI floats inside.

`parse("80 um", LENGTH)` is 8e-05; `text(8e-05, LENGTH)` is "80 um". A field
of a noun is declared with an annotated type (`Length`, `Conductivity`, ...),
which carries the unit, the bounds and an example, so that messages, the JSON
schema and the documentation all come from one place.

Energy per particle and per mole are one dimension here (1 eV = 96485 J/mol),
as they are in every activation energy of the field; "C" is not the coulomb,
because in a battery file it is the C-rate.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from percolyte.errors import UnitError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pint import UnitRegistry
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import core_schema

    Number: TypeAlias = float | NDArray[np.float64]
else:
    Number = float
"""A float, or an array of floats for many designs at once."""

FARADAY = 96485.33212
"""Faraday constant in C/mol (CODATA 2018)."""
GAS_CONSTANT = 8.314462618
"""Molar gas constant in J/(mol K) (CODATA 2018)."""
ZERO_CELSIUS = 273.15

_DEFINITIONS = f"""
femto- = 1e-15 = f-
pico- = 1e-12 = p-
nano- = 1e-9 = n-
micro- = 1e-6 = u-
milli- = 1e-3 = m-
centi- = 1e-2 = c-
deci- = 1e-1 = d-
kilo- = 1e3 = k-
mega- = 1e6 = M-
giga- = 1e9 = G-
meter = [length] = m
gram = [mass] = g
second = [time] = s
ampere = [current] = A
kelvin = [temperature] = K
mole = [substance] = mol
dollar = [money] = USD
percent = 0.01 = _ = wtpercent = volpercent
permille = 0.001
hertz = 1 / second = Hz
minute = 60 second = min
hour = 3600 second = h
day = 86400 second = d
month = 2629800 second
year = 31557600 second
liter = 1e-3 meter ** 3 = L = l
tonne = 1000 kilogram = t
newton = kilogram * meter / second ** 2 = N
pascal = newton / meter ** 2 = Pa
bar = 1e5 pascal
joule = newton * meter = J
watt = joule / second = W
coulomb = ampere * second
volt = watt / ampere = V
ohm = volt / ampere = Ohm
siemens = ampere / volt = S
Ah = 3600 ampere * second
Wh = 3600 joule
eV = {FARADAY} joule / mole
molar = mole / liter
""".strip().splitlines()

_SYNONYMS = str.maketrans({"µ": "u", "μ": "u", "Ω": "ohm", "·": "*", "×": "*", "⋅": "*", "−": "-", "–": "-"})
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*", re.DOTALL)
_FACTOR = re.compile(r"([A-Za-z]+)(?:(?:\^|\*\*)?([+-]?\d))?")
_CELSIUS = {"degc", "°c", "celsius", "℃"}
_LONGEST = 80


@lru_cache(maxsize=1)
def _registry() -> UnitRegistry[Any]:
    from pint import UnitRegistry

    return UnitRegistry(_DEFINITIONS)


def _normalise(unit: str) -> str:
    """Unit text as people write it -> the text that pint reads."""
    unit = unit.translate(_SYNONYMS).translate(_SUPERSCRIPTS).replace("**", "^")
    unit = re.sub(r"\b(wt|vol|w|mol)\.?[ -]?%", "percent", unit).replace("%", "percent")
    out: list[str] = []
    for part in re.split(r"(\s*[*/()]\s*|\s+)", unit):
        word = part.strip()
        if not word:
            out.append("*" if part and out and out[-1] not in "*/(" else "")
        elif word in "*/()":
            out.append(word)
        elif match := _FACTOR.fullmatch(word):
            name, power = match.groups()
            out.append(f"{name}**{power}" if power else name)
        else:
            raise ValueError(word)
    return "".join(out).strip("*")


@lru_cache(maxsize=1024)
def _factor(unit: str) -> tuple[float, str]:
    """Factor to SI and dimensionality of a unit text; ValueError if unknown."""
    from pint.errors import PintError

    if len(unit) > _LONGEST or unit.count("(") != unit.count(")"):
        raise ValueError(unit)
    try:
        quantity = _registry().Quantity(1.0, _normalise(unit)).to_root_units()
    except (PintError, SyntaxError, ArithmeticError, AttributeError, TypeError, AssertionError) as error:
        raise ValueError(unit) from error
    # pint's root unit of mass is the gram, SI's is the kilogram
    mass = round(float(str(quantity.dimensionality.get("[mass]", 0))))
    return float(quantity.magnitude) * 1e-3**mass, str(quantity.dimensionality)


@lru_cache(maxsize=1024)
def _scale(unit: str) -> tuple[float, float]:
    """Multiplier and divisor to SI: 80 um is 80 / 1e6 m, which is exactly 8e-05."""
    factor = _factor(unit)[0]
    inverse = round(1 / factor) if factor < 1 else 0
    if inverse and abs(factor * inverse - 1) < 1e-12:
        return 1.0, float(inverse)
    whole = round(factor)
    return (float(whole) if whole and abs(factor / whole - 1) < 1e-12 else factor), 1.0


@dataclass(frozen=True)
class Dimension:
    """What a number is: its name, the unit people write it in, its bounds (SI)."""

    name: str
    unit: str
    example: str
    low: float = -math.inf
    high: float = math.inf
    positive: bool = False
    """Zero itself is refused too."""

    @property
    def unbounded(self) -> Dimension:
        """The same dimension, any value of it."""
        return replace(self, low=-math.inf, high=math.inf, positive=False)

    @property
    def article(self) -> str:
        return "an" if self.name[0] in "aeiou" else "a"

    @property
    def advice(self) -> str:
        return f"write for example '{self.example}'"

    def check(self, value: float, shown: str) -> float:
        """The value itself if it lies within the bounds."""
        if not math.isfinite(value):
            raise UnitError(f"'{shown}' is not a finite number; {self.advice}")
        if value < self.low or (self.positive and value <= 0.0):
            least = (
                f"more than {text(0.0, self)}"
                if self.positive and self.low <= 0
                else f"at least {text(self.low, self)}"
            )
            raise UnitError(f"'{shown}' is too small: {self.article} {self.name} here is {least}; {self.advice}")
        if value > self.high:
            raise UnitError(
                f"'{shown}' is too large: {self.article} {self.name} here is at most {text(self.high, self)}; {self.advice}"
            )
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        from pydantic_core import core_schema

        def validate(value: Any, info: core_schema.ValidationInfo) -> float:
            return _read(value, self, from_file=bool((info.context or {}).get("from_file")))

        return core_schema.with_info_plain_validator_function(
            validate, serialization=core_schema.plain_serializer_function_ser_schema(lambda value: text(value, self))
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        found: dict[str, Any] = {
            "type": ["string", "number"] if self.unit in ("", "%") else "string",
            "description": f"{self.name} with its unit" if self.unit else self.name,
            "examples": [self.example],
            "unit": self.unit,
        }
        if math.isfinite(self.low) and not self.positive:
            found["lowest"] = text(self.low, self)
        if self.positive:
            found["above"] = text(0.0, self)
        if math.isfinite(self.high):
            found["highest"] = text(self.high, self)
        return found


def _read(value: Any, dimension: Dimension, *, from_file: bool) -> float:
    """A field's raw value: text with unit anywhere, a bare SI float in Python."""
    if isinstance(value, str):
        return parse(value, dimension)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnitError(f"a {dimension.name} is written as text with its unit; {dimension.advice}")
    if from_file and dimension.unit not in ("", "%"):
        raise UnitError(f"{value} has no unit; {dimension.advice}")
    number = float(value)
    if from_file and dimension.unit == "%" and number == 1.0:
        raise UnitError(f"{value} may mean '1 %' or '100 %'; write the one that is meant")
    if from_file and dimension.unit == "%" and number > dimension.high:
        raise UnitError(f"{value} is more than all of it; write '{value} %' or a fraction such as 0.5")
    return dimension.check(number, str(value))


def parse(quantity: str, dimension: Dimension) -> float:
    """Text with a unit -> float in SI.

    Errors: `UnitError` with what to write instead, for no number, no unit, an
    unknown unit, a unit of another dimension, or a value out of bounds.
    """
    shown = quantity if len(quantity) <= _LONGEST else quantity[:_LONGEST] + "..."
    if re.match(r"\s*[+-]?\d+,\d", quantity):
        raise UnitError(f"'{shown}': use a point, not a comma, in the number; {dimension.advice}")
    match = _NUMBER.fullmatch(quantity.translate(_SYNONYMS))
    if match is None:
        raise UnitError(f"'{shown}' is not a number with a unit; {dimension.advice}")
    number, unit = float(match[1]), match[2]
    if dimension.unit == "K" and unit.casefold() in _CELSIUS:
        return dimension.check(number + ZERO_CELSIUS, shown)
    if not unit:
        if dimension.unit in ("", "%"):
            return dimension.check(number, shown)
        raise UnitError(f"'{shown}' has no unit; {dimension.advice}")
    try:
        dimensionality = _factor(unit)[1]
    except ValueError:
        raise UnitError(f"'{shown}': the unit '{unit[:30]}' is not known; {dimension.advice}") from None
    if dimensionality != _factor(dimension.unit)[1]:
        raise UnitError(f"'{shown}' is not {dimension.article} {dimension.name}; {dimension.advice}")
    multiplier, divisor = _scale(unit)
    # decimal arithmetic, so that 0.07 mm and 70 um are the same float
    exact = Decimal(match[1]) * Decimal(multiplier) / Decimal(divisor)
    return dimension.check(float(exact), shown)


def to(value: Any, unit: str) -> Any:
    """An SI number, or array of numbers, in another unit of its dimension."""
    if unit.casefold() in _CELSIUS:
        return value - ZERO_CELSIUS
    multiplier, divisor = _scale(unit)
    return value * divisor / multiplier


def si(value: Any, unit: str) -> Any:
    """A number, or array of numbers, in `unit` -> SI."""
    multiplier, divisor = _scale(unit)
    return value * multiplier / divisor


def text(value: float, dimension: Dimension, *, digits: int | None = None) -> str:
    """An SI float as text that reads back to the same float.

    `digits` rounds to so many significant digits instead, for people to read.
    """
    unit = "degC" if dimension.unit == "K" else dimension.unit
    if not math.isfinite(value):
        return f"{value} {unit}".strip()
    free = dimension.unbounded
    for precision in [digits] if digits else range(1, 18):
        number = f"{to(value, unit) if unit else value:.{precision}g}"
        plain = f"{float(number):f}".rstrip("0").rstrip(".") if "e" in number and abs(float(number)) >= 1 else number
        number = plain if len(plain) <= 12 else number
        quantity = f"{number} {unit}".strip()
        if digits or parse(quantity, free) == value:
            return quantity
    return f"{value!r} {_SI_UNITS.get(dimension.unit, dimension.unit)}".strip()


_SI_UNITS = {
    "um": "m", "nm": "m", "cm2": "m2", "mm2": "m2", "g/cm3": "kg/m3", "mg/cm2": "kg/m2", "mAh/cm2": "A s/m2",
    "mAh/g": "A s/kg", "mS/cm": "S/m", "S/cm": "S/m", "MPa": "Pa", "GPa": "Pa", "ohm cm2": "ohm m2",
    "mA/cm2": "A/m2", "mm": "m", "Wh/kg": "J/kg", "Wh/L": "J/m3", "USD/kWh": "USD/J", "%": "", "eV": "J/mol",
    "kg": "kg", "g": "kg", "mL": "m3", "Wh": "J", "Ah": "A s", "km": "m", "km/kWh": "m/J", "h": "s", "mV/K": "V/K",
}  # fmt: skip
"""The SI unit behind each unit that people write: no rounding on the way."""

LENGTH = Dimension("length", "um", "80 um", low=0.0, high=1.0, positive=True)
VOXEL = Dimension("length", "um", "0.5 um", low=0.0, high=1.0, positive=True)
DISTANCE = Dimension("distance", "mm", "102 mm", low=0.0, high=10.0)
THICKNESS = Dimension("thickness", "um", "80 um", low=0.0, high=5e-3, positive=True)
RADIUS = Dimension("particle radius", "um", "2.5 um", low=0.0, high=1e-3, positive=True)
DIAMETER = Dimension("diameter", "um", "5 um", low=0.0, high=1e-3, positive=True)
FRACTION = Dimension("fraction", "%", "80 %", low=0.0, high=1.0)
VOLUME_CHANGE = Dimension("volume change", "%", "-7 %", low=-1.0, high=10.0)
RATIO = Dimension("ratio", "", "1.1", low=0.0, high=1e3, positive=True)
DENSITY = Dimension("density", "g/cm3", "1.64 g/cm3", low=0.0, high=3e4, positive=True)
LOADING = Dimension("loading", "mg/cm2", "20 mg/cm2", low=0.0, high=1e2, positive=True)
AREAL_CAPACITY = Dimension("areal capacity", "mAh/cm2", "4 mAh/cm2", low=0.0, high=3.6e7, positive=True)
SPECIFIC_CAPACITY = Dimension("specific capacity", "mAh/g", "200 mAh/g", low=0.0, high=3.6e7, positive=True)
VOLTAGE = Dimension("voltage", "V", "3.7 V", low=-10.0, high=1e3)
CONDUCTIVITY = Dimension("conductivity", "mS/cm", "2 mS/cm", low=0.0, high=1e8, positive=True)
DIFFUSIVITY = Dimension("diffusivity", "m2/s", "5e-15 m2/s", low=0.0, high=1e-3, positive=True)
CURRENT_DENSITY = Dimension("current density", "mA/cm2", "0.1 mA/cm2", low=0.0, high=1e6, positive=True)
CONCENTRATION = Dimension("concentration", "mol/m3", "51765 mol/m3", low=0.0, high=1e6, positive=True)
TEMPERATURE = Dimension("temperature", "K", "25 degC", low=0.0, high=3000.0, positive=True)
CELL_TEMPERATURE = Dimension("temperature", "K", "25 degC", low=173.15, high=773.15)
ENTROPY_COEFFICIENT = Dimension("entropy coefficient", "mV/K", "-0.1 mV/K", low=-0.01, high=0.01)
CELL_VOLTAGE = Dimension("voltage", "V", "3.7 V", low=0.0, high=10.0, positive=True)
PRESSURE = Dimension("pressure", "MPa", "50 MPa", low=0.0, high=1e11)
MODULUS = Dimension("modulus", "GPa", "20 GPa", low=0.0, high=1e13, positive=True)
ACTIVATION_ENERGY = Dimension("activation energy", "eV", "0.35 eV", low=0.0, high=1e6, positive=True)
DURATION = Dimension("time", "s", "60 s", low=0.0, high=1e10)
RESISTANCE = Dimension("resistance", "ohm", "25 ohm", low=0.0, high=1e15)
AREA_RESISTANCE = Dimension("area-specific resistance", "ohm cm2", "40 ohm cm2", low=0.0, high=1e6)
FREQUENCY = Dimension("frequency", "Hz", "1000000 Hz", low=0.0, high=1e12, positive=True)
AREA = Dimension("area", "cm2", "1.13 cm2", low=0.0, high=1e4, positive=True)
HEAT_CAPACITY = Dimension("heat capacity per area", "J/(m2 K)", "500 J/(m2 K)", low=0.0, high=1e9, positive=True)
HEAT_TRANSFER = Dimension("heat transfer per area", "W/(m2 K)", "5 W/(m2 K)", low=0.0, high=1e9)
PRICE = Dimension("price", "USD/kg", "50 USD/kg", low=0.0, high=1e6)
PRICE_PER_AREA = Dimension("price per area", "USD/m2", "0.2 USD/m2", low=0.0, high=1e6)
AREAL_MASS = Dimension("mass per area", "mg/cm2", "4 mg/cm2", low=0.0, high=1e3, positive=True)
MASS = Dimension("mass", "kg", "400 kg", low=0.0, high=1e6, positive=True)
ENERGY = Dimension("energy", "Wh", "70 Wh", low=0.0, high=1e15)
CAPACITY = Dimension("capacity", "Ah", "20 Ah", low=0.0, high=1e12)
SPECIFIC_ENERGY = Dimension("specific energy", "Wh/kg", "400 Wh/kg", low=0.0, high=3.6e7, positive=True)
ENERGY_DENSITY = Dimension("energy density", "Wh/L", "1000 Wh/L", low=0.0, high=3.6e10, positive=True)
SPECIFIC_POWER = Dimension("specific power", "W/kg", "500 W/kg", low=0.0, high=1e9, positive=True)
COST_PER_ENERGY = Dimension("cost per energy", "USD/kWh", "100 USD/kWh", low=0.0, high=1.0, positive=True)
RANGE_PER_ENERGY = Dimension("driving distance per energy", "km/kWh", "6 km/kWh", low=0.0, high=1.0, positive=True)

Length = Annotated[float, LENGTH]
VoxelLength = Annotated[float, VOXEL]
Distance = Annotated[float, DISTANCE]
Thickness = Annotated[float, THICKNESS]
Radius = Annotated[float, RADIUS]
Diameter = Annotated[float, DIAMETER]
Fraction = Annotated[float, FRACTION]
Ratio = Annotated[float, RATIO]
Density = Annotated[float, DENSITY]
Loading = Annotated[float, LOADING]
Area = Annotated[float, AREA]
ArealCapacity = Annotated[float, AREAL_CAPACITY]
SpecificCapacity = Annotated[float, SPECIFIC_CAPACITY]
Voltage = Annotated[float, VOLTAGE]
Conductivity = Annotated[float, CONDUCTIVITY]
Diffusivity = Annotated[float, DIFFUSIVITY]
CurrentDensity = Annotated[float, CURRENT_DENSITY]
Concentration = Annotated[float, CONCENTRATION]
Temperature = Annotated[float, TEMPERATURE]
Pressure = Annotated[float, PRESSURE]
CellTemperature = Annotated[float, CELL_TEMPERATURE]
EntropyCoefficient = Annotated[float, ENTROPY_COEFFICIENT]
CellVoltage = Annotated[float, CELL_VOLTAGE]
ActivationEnergy = Annotated[float, ACTIVATION_ENERGY]
HeatCapacity = Annotated[float, HEAT_CAPACITY]
HeatTransfer = Annotated[float, HEAT_TRANSFER]
AreaResistance = Annotated[float, AREA_RESISTANCE]
Mass = Annotated[float, MASS]
RangePerEnergy = Annotated[float, RANGE_PER_ENERGY]
SpecificEnergy = Annotated[float, SPECIFIC_ENERGY]
EnergyDensity = Annotated[float, ENERGY_DENSITY]
CostPerEnergy = Annotated[float, COST_PER_ENERGY]


def error_text(relative: float) -> str:
    """A relative error: '28 %', and from the number itself on a factor, as what is positive errs by less downwards."""
    return f"{100.0 * relative:.2g} %" if relative < 0.995 else f"a factor of {1.0 + relative:.2g}"
