"""Text with units at the boundary, SI floats inside."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from percolyte import units
from percolyte.errors import UnitError
from percolyte.units import Dimension, parse, text

DIMENSIONS = {name: value for name, value in vars(units).items() if isinstance(value, Dimension)}


def numbers_of(dimension: Dimension) -> st.SearchStrategy[float]:
    return st.floats(
        min_value=None if math.isinf(dimension.low) else dimension.low,
        max_value=None if math.isinf(dimension.high) else dimension.high,
        exclude_min=dimension.positive,
        allow_nan=False,
        allow_infinity=False,
    )


@pytest.mark.parametrize("name", DIMENSIONS)
def test_text_reads_back_to_the_same_float(name: str) -> None:
    dimension = DIMENSIONS[name]

    @given(numbers_of(dimension))
    def returns(value: float) -> None:
        assert parse(text(value, dimension), dimension) == value

    returns()


@pytest.mark.parametrize("name", DIMENSIONS)
def test_the_example_of_every_dimension_is_written_as_percolyte_writes_it(name: str) -> None:
    dimension = DIMENSIONS[name]
    value = parse(dimension.example, dimension)
    assert parse(text(value, dimension), dimension) == value
    if "e-" not in dimension.example:
        assert text(value, dimension) == dimension.example


@pytest.mark.parametrize(
    ("written", "dimension", "si"),
    [
        ("80 um", units.LENGTH, 80e-6),
        ("80um", units.LENGTH, 80e-6),
        ("80 µm", units.LENGTH, 80e-6),
        ("80 μm", units.LENGTH, 80e-6),
        ("  .08 mm ", units.LENGTH, 80e-6),
        ("8e-2 mm", units.LENGTH, 80e-6),
        ("1.64 g/cm3", units.DENSITY, 1640.0),
        ("1.64 g/cm^3", units.DENSITY, 1640.0),
        ("1.64 g cm-3", units.DENSITY, 1640.0),
        ("1.64 g·cm⁻³", units.DENSITY, 1640.0),
        ("1640 kg/m**3", units.DENSITY, 1640.0),
        ("2.5 mg/cm2", units.LOADING, 0.025),
        ("80 wt%", units.FRACTION, 0.8),
        ("80 vol.%", units.FRACTION, 0.8),
        ("0.8", units.FRACTION, 0.8),
        ("40 Ohm*cm^2", units.AREA_RESISTANCE, 40e-4),
        ("40 Ω cm²", units.AREA_RESISTANCE, 40e-4),
        ("2 mS/cm", units.CONDUCTIVITY, 0.2),
        ("50 USD/kg", units.PRICE, 50.0),
        ("25 degC", units.TEMPERATURE, 298.15),
        ("25 °C", units.TEMPERATURE, 298.15),
        ("298.15 K", units.TEMPERATURE, 298.15),
        ("200 mAh/g", units.SPECIFIC_CAPACITY, 720000.0),
        ("4 mAh/cm2", units.AREAL_CAPACITY, 144000.0),
        ("400 Wh/kg", units.SPECIFIC_ENERGY, 1.44e6),
        ("1000 Wh/L", units.ENERGY_DENSITY, 3.6e9),
        ("6 km/kWh", units.RANGE_PER_ENERGY, 6000.0 / 3.6e6),
        ("33.77 kJ/mol", units.ACTIVATION_ENERGY, 33770.0),
        ("1 eV", units.ACTIVATION_ENERGY, units.FARADAY),
    ],
)
def test_reads_what_people_write(written: str, dimension: Dimension, si: float) -> None:
    # one rounding each for number and scale: two units in the last place
    assert parse(written, dimension) == pytest.approx(si, rel=4e-16)


@pytest.mark.parametrize(
    ("si", "dimension", "shown"),
    [
        (120e-6, units.LENGTH, "120 um"),
        (8e-5, units.LENGTH, "80 um"),
        (1e-9, units.LENGTH, "0.001 um"),
        (298.15, units.TEMPERATURE, "25 degC"),
        (0.15, units.FRACTION, "15 %"),
        (0.07, units.FRACTION, "7 %"),
        (4.0 * 36000.0, units.AREAL_CAPACITY, "4 mAh/cm2"),
        (1.44e6, units.SPECIFIC_ENERGY, "400 Wh/kg"),
    ],
)
def test_a_scaled_number_prints_without_its_rounding_error(si: float, dimension: Dimension, shown: str) -> None:
    assert text(si, dimension) == shown


def test_digits_round_for_people() -> None:
    assert text(123.456e-6, units.LENGTH, digits=3) == "123 um"


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        " ",
        "um",
        "80",
        "NaN",
        "nan um",
        "inf um",
        "-inf um",
        "1e400 um",
        "9**9**9",
        "9**9**9 um",
        "5 um**9**9",
        "5 um^99",
        "5 um^",
        "5 (um",
        "5 )um(",
        "5 um/",
        "5 /um",
        "5 um um",
        "5 foo",
        "80 5 um",
        "0x10 um",
        "1_000 um",
        "1,5 um",
        "1.000,5 um",
        "80 um²",
        "80 \x00um",
        "80 um; import os",
        "5 __import__('os')",
        "5 meter.__class__",
        "9" * 100_000,
        "9" * 100_000 + " um",
        "5 " + "u" * 100_000,
        "5 " + "(" * 5_000 + "um" + ")" * 5_000,
        "5 " + "um*" * 5_000 + "um",
        "50 mS",
        "5 K",
        "5 degC",
        "-5 um",
        "0 um",
    ],
)
def test_hostile_text_is_refused_with_advice_in_few_words(hostile: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse(hostile, units.THICKNESS)
    message = str(caught.value)
    assert "80 um" in message
    assert len(message) < 400


@given(st.text())
def test_any_text_is_a_number_or_a_unit_error(anything: str) -> None:
    try:
        value = parse(anything, units.THICKNESS)
    except UnitError:
        return
    assert 0.0 < value <= 5e-3


@given(st.text(alphabet="umcgkSAhWVJ/*^()-+.,e0123456789 %²³⁻µΩ·", max_size=30))
def test_any_unit_like_text_is_a_number_or_a_unit_error(anything: str) -> None:
    for dimension in (units.CONDUCTIVITY, units.TEMPERATURE, units.FRACTION):
        try:
            value = parse(f"1 {anything}", dimension)
        except UnitError:
            continue
        assert math.isfinite(value)


@pytest.mark.parametrize("dimension", [units.CAPACITY, units.CURRENT_DENSITY])
def test_c_is_no_coulomb(dimension: Dimension) -> None:
    with pytest.raises(UnitError, match="not known"):
        parse("0.5 C", dimension)


def test_the_decimal_comma_is_named() -> None:
    with pytest.raises(UnitError, match="point, not a comma"):
        parse("1,5 um", units.THICKNESS)


@pytest.mark.parametrize(
    ("written", "dimension", "told"),
    [
        ("50 mS", units.PRESSURE, "not a pressure"),
        ("120", units.THICKNESS, "has no unit"),
        ("5 parsnips", units.THICKNESS, "'parsnips' is not known"),
        ("-5 MPa", units.PRESSURE, "at least 0 MPa"),
        ("0 um", units.THICKNESS, "more than 0 um"),
        ("1 m", units.THICKNESS, "at most 5000 um"),
        ("101 %", units.FRACTION, "at most 100 %"),
        ("-300 degC", units.TEMPERATURE, "-273.15 degC"),
    ],
)
def test_the_message_says_what_is_wrong(written: str, dimension: Dimension, told: str) -> None:
    with pytest.raises(UnitError, match=told):
        parse(written, dimension)


def test_an_error_as_large_as_the_number_is_said_as_a_factor() -> None:
    assert [units.error_text(relative) for relative in (0.066, 0.53, 1.0, 9.67)] == [
        "6.6 %", "53 %", "a factor of 2", "a factor of 11"
    ]  # fmt: skip


@pytest.mark.parametrize("name", DIMENSIONS)
def test_bounds_belong_to_the_range_and_the_next_float_does_not(name: str) -> None:
    dimension = DIMENSIONS[name]
    for bound, outside in ((dimension.low, -math.inf), (dimension.high, math.inf)):
        if math.isinf(bound):
            continue
        if not (dimension.positive and bound == 0.0):
            assert dimension.check(bound, "bound") == bound
        with pytest.raises(UnitError):
            dimension.check(math.nextafter(bound, outside), "outside")
