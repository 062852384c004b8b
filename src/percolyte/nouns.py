"""The base of everything a person writes: frozen, checked as a whole.

A noun refuses unknown fields, names the near miss, and reports every problem
of the whole tree at once, among them the fields of which exactly one, or at
most one, may be given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, ValidationInfo, model_validator
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
        if kind in ("int_from_float", "int_type", "int_parsing"):
            return f"{line['input']!r} is not a whole number; write for example 44"
        if kind == "value_error":
            return str(line["ctx"]["error"])
        if kind == "literal_error":
            expected = str(line["ctx"]["expected"])
            if len(_quoted(expected)) == 1:
                return f"{line['input']!r} is not known; write {expected}"
            return f"{line['input']!r} is not one of {expected}{suggestion(str(line['input']), _quoted(expected))}"
        message = str(line["msg"])
        if kind == "problem":
            return message
        return message[:1].lower() + message[1:]


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
