"""What a person writes: refused as a whole, with every problem named."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

import pytest
from pydantic import Field, ValidationError, model_validator

from percolyte.errors import InputError, suggestion
from percolyte.nouns import Noun, read_noun, replace
from percolyte.units import Pressure, Thickness
from tests.build import a_design


class Grain(Noun):
    size: Thickness
    count: int = 1


class Bed(Noun):
    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = (("height", "volume"),)
    at_most_one: ClassVar[tuple[tuple[str, ...], ...]] = (("dry", "wet"),)

    height: Thickness | None = None
    volume: float | None = None
    dry: bool | None = None
    wet: bool | None = None
    pressure: Pressure | None = None
    grain: Grain = Field(default=Grain(size=1e-6))


def problems(**data: object) -> dict[str, str]:
    with pytest.raises(InputError) as caught:
        read_noun(Bed, data)
    return {problem.where: problem.what for problem in caught.value.problems}


def test_all_problems_come_at_once_each_with_its_place() -> None:
    found = problems(
        height="-5 um", pressure="50 mS", grain={"size": 5, "count": "many"}, dry=True, wet=True, colour="red"
    )
    assert set(found) == {"", "height", "pressure", "grain.size", "grain.count", "colour"}
    assert "dry and wet exclude each other" in found[""]
    assert "too small" in found["height"]
    assert "not a pressure" in found["pressure"]
    assert "5 has no unit" in found["grain.size"]
    assert "no such field" in found["colour"]


def test_a_message_counts_its_problems_and_names_the_file() -> None:
    with pytest.raises(InputError) as caught:
        read_noun(Bed, {"height": "5 s", "pressure": "x"}, source="bed.toml")
    lines = str(caught.value).splitlines()
    assert lines[0] == "bed.toml: 2 problems"
    assert len(lines) == 3


def test_both_of_an_exactly_one_set_are_refused() -> None:
    assert "height and volume exclude each other" in problems(height="5 um", volume=1.0)[""]


def test_none_of_an_exactly_one_set_is_refused() -> None:
    assert "one of height or volume is needed" in problems()[""]


def test_a_misspelt_member_of_a_set_is_said_once() -> None:
    found = problems(hieght="5 um")
    assert list(found) == ["hieght"]
    assert "did you mean 'height'" in found["hieght"]


def test_none_of_an_at_most_one_set_is_fine() -> None:
    assert read_noun(Bed, {"height": "5 um"}).height == 5e-6


def test_a_near_miss_is_suggested() -> None:
    assert "did you mean 'pressure'" in problems(height="5 um", presure="5 MPa")["presure"]


def test_a_far_miss_lists_the_fields() -> None:
    assert "fields are height" in problems(height="5 um", zzz=1)["zzz"]


def test_suggestions_ignore_case_and_offer_nothing_far_away() -> None:
    assert suggestion("li6ps5cl", ["Li6PS5Cl", "LGPS"]) == "; did you mean 'Li6PS5Cl'?"
    assert suggestion("qqq", ["Li6PS5Cl"]) == ""


def test_a_bare_number_is_si_in_python_and_an_error_in_a_file() -> None:
    assert Bed(height=5e-6).height == 5e-6
    assert "has no unit" in problems(height=5e-6)["height"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -5.0, 0.0, True, "5", None])
def test_no_thickness_is_made_of_nonsense(value: object) -> None:
    with pytest.raises(ValidationError):
        Grain.model_validate({"size": value})


def test_nouns_are_frozen() -> None:
    with pytest.raises(ValidationError):
        setattr(Bed(height=5e-6), "height", 1.0)  # noqa: B010


def test_replace_gives_a_checked_copy() -> None:
    bed = Bed(height=5e-6)
    assert replace(bed, pressure="5 MPa").pressure == 5e6
    assert bed.pressure is None


@pytest.mark.parametrize(
    "change", [{"pressure": -5.0}, {"pressure": "-5 MPa"}, {"presure": 5.0}, {"pressure": float("nan")}]
)
def test_replace_refuses_minus_five_and_unknown_fields(change: dict[str, object]) -> None:
    with pytest.raises(InputError):
        replace(Bed(height=5e-6), **change)


def test_replace_clears_the_partners_of_an_exactly_one_set() -> None:
    bed = replace(Bed(height=5e-6, dry=True), volume=2.0, wet=True)
    assert (bed.height, bed.volume, bed.dry, bed.wet) == (None, 2.0, None, True)


def test_replace_refuses_two_new_partners_at_once() -> None:
    with pytest.raises(InputError, match="exclude each other"):
        replace(Bed(height=5e-6), height=1e-6, volume=2.0)


def test_replace_works_on_a_whole_design() -> None:
    design = a_design()
    thicker = replace(design, cathode=replace(design.cathode, loading="20 mg/cm2"))
    assert thicker.cathode.thickness is None
    assert thicker.cathode.loading == pytest.approx(0.2, rel=1e-15)  # one rounding of the unit
    assert thicker.digest != design.digest
    with pytest.raises(InputError):
        replace(design, stack_pressure=-5.0)


def test_replace_with_nothing_is_the_same() -> None:
    design = a_design()
    assert replace(design) == design


class Sieve(Noun):
    fine: bool = False
    coarse: bool = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.fine and self.coarse:
            raise ValueError("is either fine or coarse")
        return self


def test_what_a_validator_says_of_the_whole_noun_comes_without_the_words_of_its_library() -> None:
    with pytest.raises(InputError) as caught:
        read_noun(Sieve, {"fine": True, "coarse": True}, source="sieve.toml")
    assert str(caught.value) == "sieve.toml: is either fine or coarse"
    with pytest.raises(InputError, match=r"^is either fine or coarse$"):
        replace(Sieve(fine=True), coarse=True)


class Bounded(Noun):
    faces: Annotated[int, Field(ge=6, le=40)] = 14
    spread: Annotated[float, Field(gt=1.0, le=3.0)] = 1.4
    seed: Annotated[int, Field(ge=0)] | None = None
    labels: dict[str, Annotated[int, Field(ge=0, le=255)]] | None = None
    pair: tuple[int, int] = (1, 2)
    name: Annotated[str, Field(max_length=4)] = ""
    on: bool = False


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("faces", 3, "3 is too small; write a number from 6 to 40"),
        ("faces", 2.5, "2.5 is not a whole number"),
        ("spread", 1.0, "1.0 is too small; write a number above 1 and not above 3"),
        ("spread", "wide", "'wide' is not a number; write for example 1.4"),
        ("spread", float("nan"), "nan is not a finite number"),
        ("seed", -1, "-1 is too small; write a number not below 0"),
        ("labels", {"a": 300}, "300 is too large; write a number from 0 to 255"),
        ("pair", [1, 2, 3], "has 3 entries; write exactly 2"),
        ("name", "longer", "has 6 characters; write at most 4"),
        ("name", 3, "3 is not text; write it in quotes"),
        ("on", "perhaps", "'perhaps' is not true or false"),
    ],
)
def test_a_value_beyond_its_limits_is_told_with_all_of_them(field: str, value: object, said: str) -> None:
    with pytest.raises(InputError) as raised:
        read_noun(Bounded, {field: value})
    assert said in str(raised.value)
    assert "put should" not in str(raised.value)
