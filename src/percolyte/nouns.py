"""The base of everything a person writes: frozen, checked as a whole.

A noun refuses unknown fields, names the near miss, and reports every problem
of the whole tree at once, among them the fields of which exactly one, or at
most one, may be given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, ValidationInfo, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails, PydanticCustomError

from percolyte.errors import InputError, Problem, suggestion

Path = tuple[str | int, ...]
N = TypeVar("N", bound="Noun")


class Noun(BaseModel):
    """A frozen description with SI floats inside and text with units outside."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False, allow_inf_nan=False)

    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = ()
    at_most_one: ClassVar[tuple[tuple[str, ...], ...]] = ()

    @model_validator(mode="wrap")
    @classmethod
    def _all_problems(cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        found = [_line((), problem, data) for problem in cls._choice_problems(data)]
        noun = None
        try:
            noun = handler(data)
        except ValidationError as error:
            found += [_line(_place(line, data), cls._say(line, data), line["input"]) for line in error.errors()]
        if found:
            raise ValidationError.from_exception_data(cls.__name__, found)
        assert noun is not None
        # the tag of a tagged table belongs to what is written, default or not
        noun.__pydantic_fields_set__.update({"kind", "law"} & cls.model_fields.keys())
        return noun

    @classmethod
    def _choice_problems(cls, data: Any) -> list[str]:
        """What is wrong with the exactly-one and at-most-one sets of raw data."""
        if not isinstance(data, Mapping):
            return []
        problems = []
        for names in (*cls.exactly_one, *cls.at_most_one):
            given = [name for name in names if data.get(name) is not None]
            if len(given) > 1:
                problems.append(f"{listed(given)} exclude each other; keep one of them")
            elif not given and names in cls.exactly_one and not _misspelt(names, data, cls):
                problems.append(f"one of {_or(names)} is needed; none is given")
        return problems

    @classmethod
    def _say(cls, line: Any, data: Any) -> str:
        """One line of pydantic as one line for a person."""
        kind, where = line["type"], line["loc"]
        if kind == "extra_forbidden" and len(where) == 1:
            return f"no such field{suggestion(str(where[0]), cls.model_fields) or '; fields are ' + ', '.join(cls.model_fields)}"
        if kind == "missing":
            return "is missing"
        if kind in ("model_type", "model_attributes_type", "dict_type"):
            return "is a table: write { field = value, ... }, or its fields below a heading in brackets"
        if kind in ("tuple_type", "list_type"):
            return "is a list: write [..., ...], or for several tables a heading in double brackets"
        if kind in ("union_tag_invalid", "union_tag_not_found"):
            return _say_tag(line, cls)
        if kind == "value_error":
            return str(line["ctx"]["error"])
        if kind == "literal_error":
            expected = str(line["ctx"]["expected"])
            if len(_quoted(expected)) == 1:
                return f"{line['input']!r} is not known; write {expected}"
            return f"{line['input']!r} is not one of {expected}{suggestion(str(line['input']), _quoted(expected))}"
        if kind == "problem":
            return str(line["msg"])
        return _say_value(line, cls)


def _say_value(line: Any, cls: type[Noun]) -> str:
    """A single value that is of another type, or beyond its limits."""
    kind, value, context = line["type"], line["input"], line.get("ctx", {})
    shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:60]}..."
    for begins, what in _TYPES.items():
        if kind.startswith(begins):
            return f"{shown} is not {what}"
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        far = "small" if kind.startswith("greater") else "large"
        field = cls.model_fields.get(str(line["loc"][0])) if line["loc"] else None
        limits = {} if field is None else _limits((*field.metadata, field.annotation))
        return f"{shown} is too {far}; write a number {_range(limits | context)}"
    if kind == "string_too_long":
        return f"has {len(value)} characters; write at most {context['max_length']}"
    if kind in ("too_short", "too_long"):
        least, most = context.get("min_length"), context.get("max_length")
        needed = (
            f"at least {least}"
            if most is None
            else f"exactly {most}"
            if least in (most, None)
            else f"{least} to {most}"
        )
        return f"has {context['actual_length']} entries; write {needed}"
    message = str(line["msg"])
    return message[:1].lower() + message[1:]


_TYPES = {
    "int_": "a whole number; write for example 44",
    "float_": "a number; write for example 1.4, without quotes or a unit",
    "finite_number": "a finite number; write for example 1.4",
    "string_type": "text; write it in quotes",
    "string_unicode": "text in UTF-8; write it in quotes",
    "bool_": "true or false; write one of them without quotes",
}
"""What a value should be, by how the types of pydantic's errors begin."""


def _limits(annotation: Any) -> dict[str, Any]:
    """Limits that stand anywhere in the type of a field."""
    if isinstance(annotation, str):
        return {}
    if isinstance(annotation, FieldInfo):
        return _limits(tuple(annotation.metadata))
    found = {name: getattr(annotation, name, None) for name in ("gt", "ge", "lt", "le")}
    found = {name: limit for name, limit in found.items() if isinstance(limit, int | float)}
    within = (
        annotation
        if isinstance(annotation, tuple)
        else (*getattr(annotation, "__metadata__", ()), *get_args(annotation))
    )
    for part in within:
        found |= _limits(part)
    return found


def _range(limits: Mapping[str, Any]) -> str:
    """'from 6 to 40', 'above 1 and not above 3', 'not below 0'."""
    if "ge" in limits and "le" in limits:
        return f"from {limits['ge']:.10g} to {limits['le']:.10g}"
    words = {"gt": "above", "ge": "not below", "lt": "below", "le": "not above"}
    return " and ".join(f"{word} {limits[name]:.10g}" for name, word in words.items() if name in limits)


def _place(line: Any, data: Any) -> Path:
    """Where a line of pydantic stands in the file."""
    where = _untagged(line["loc"], data)
    if line["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return (*where, str(line["ctx"]["discriminator"]).strip("'"))
    return where


def _untagged(where: Path, data: Any) -> Path:
    """Leave out the name of the chosen kind, which pydantic puts in the path of a tagged table."""
    table = data.get(where[0]) if isinstance(data, Mapping) and len(where) > 1 else None
    if where[1:] == (0, "value") and not isinstance(table, Mapping | list):
        return where[:1]
    if isinstance(table, Mapping) and where[1] not in table and where[1] in (table.get("kind"), table.get("law")):
        return (where[0], *where[2:])
    return where


def _say_tag(line: Any, cls: type[Noun]) -> str:
    """A table whose kind is missing or unknown, with the fields that each kind needs."""
    name = str(line["ctx"]["discriminator"]).strip("'")
    expected = line["ctx"].get("expected_tags")
    if expected is None:
        return f"is missing; write for example {name} = {_EXAMPLES.get(name, '...')}"
    tag, tags = str(line["ctx"]["tag"]), _quoted(expected)
    kinds = _kinds(cls.model_fields[str(line["loc"][0])].annotation, name)
    shown = ", ".join(_with_fields(known, kinds.get(known)) for known in tags)
    return f"{tag!r} is not one of {shown}{suggestion(tag, tags)}"


def _kinds(annotation: Any, name: str) -> dict[str, type[Noun]]:
    """The nouns of a tagged union by their tag, which stands in the field `name`."""
    if isinstance(annotation, type) and issubclass(annotation, Noun):
        return {str(annotation.model_fields[name].default): annotation} if name in annotation.model_fields else {}
    return {tag: noun for part in get_args(annotation) for tag, noun in _kinds(part, name).items()}


def _with_fields(tag: str, noun: type[Noun] | None) -> str:
    """A kind and what it cannot be without."""
    if tag == "none":
        return "'none' (anode-free)"
    needed = [] if noun is None else [name for name, field in noun.model_fields.items() if field.is_required()]
    return f"'{tag}' (with {listed(needed)})" if needed else f"'{tag}'"


_EXAMPLES = {
    "kind": '"composite" (or "lithium", "none"; of transport "given", "closure", "microstructure")',
    "law": '"bruggeman"',
}


def _quoted(expected: str) -> list[str]:
    return [word.strip(" '") for word in expected.replace(" or ", ",").split(",")]


def _line(where: Path, message: str, value: Any) -> InitErrorDetails:
    """A message at a place, in the form in which pydantic passes it on."""
    safe = message.replace("{", "(").replace("}", ")")
    return InitErrorDetails(type=PydanticCustomError("problem", safe), loc=where, input=value)


def _misspelt(names: tuple[str, ...], data: Mapping[str, Any], cls: type[Noun]) -> bool:
    """Some unknown key is a near miss of one of these names: say it once."""
    return any(suggestion(str(key), names) for key in data if key not in cls.model_fields)


def listed(words: list[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _or(words: tuple[str, ...]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1]


def problems_of(error: ValidationError, prefix: str = "") -> list[Problem]:
    """Every line of a validation error as a problem with its dotted path.

    A missing field is not reported where an unknown one is its near miss.
    """
    lines = error.errors(include_url=False)
    missing_said = {line["loc"][:-1] for line in lines if line["type"] == "problem" and "did you mean" in line["msg"]}
    problems = []
    for line in lines:
        if line["msg"] == "is missing" and line["loc"][:-1] in missing_said:
            continue
        # what a validator says of the noun as a whole comes with a prefix of pydantic
        said = str(line["ctx"]["error"]) if line["type"] == "value_error" else line["msg"]
        problems.append(Problem(dotted((prefix, *line["loc"]) if prefix else line["loc"]), said))
    return problems


def dotted(path: Path) -> str:
    """('cathode', 'recipe', 'carbon black') -> 'cathode.recipe."carbon black"'."""
    words = [f"{part + 1}" if isinstance(part, int) else part for part in path]
    return ".".join(
        word if word.replace("_", "").replace("-", "").isalnum() or "." in word else f'"{word}"' for word in words
    )


def read_noun(cls: type[N], data: Any, *, source: str = "", prefix: str = "") -> N:
    """Raw data from a file -> noun, or InputError with every problem in it."""
    try:
        return cls.model_validate(data, context={"from_file": True})
    except ValidationError as error:
        raise InputError(problems_of(error, prefix), source=source) from None


def replace(noun: N, **changes: Any) -> N:
    """A copy with some fields changed, checked like a new one.

    Unlike `model_copy(update=...)` it refuses a negative pressure and an
    unknown field; fields of an exactly-one set give way to the new one.
    """
    data = {name: getattr(noun, name) for name in noun.model_fields_set}
    for names in (*noun.exactly_one, *noun.at_most_one):
        if any(name in changes for name in names):
            data = {name: value for name, value in data.items() if name not in names}
    try:
        changed = type(noun).model_validate({**data, **changes})
        if noun.__pydantic_private__ is not None:
            changed.__pydantic_private__ = dict(noun.__pydantic_private__)
        return changed
    except ValidationError as error:
        raise InputError(problems_of(error)) from None
