"""The schema of the configuration: checks that answer in sentences, and the parameters' documentation."""

import json
from collections.abc import Callable
from pathlib import Path

import yaml

from wemgan.errors import UserError

BOUNDS = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minItems": "must have at least {} entry",
    "minProperties": "must have at least {} entry",
    "minLength": "may not be empty",
    "uniqueItems": "may not have the same entry twice",
}


def read_schema(path: str | Path) -> dict:
    """The schema, with keys in the order of the file."""
    return yaml.safe_load(Path(path).read_text(encoding="utf-8"))


def check_schema(schema: dict) -> None:
    """jsonschema.SchemaError if the schema itself is not one."""
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(schema)


def check_keys(params: dict, schema: dict, where: str) -> None:
    """UserError for a section or key of `params` that the schema does not know, with the nearest that it knows."""
    from wemgan.config import nearest

    for section, content in params.items():
        if section not in schema["properties"]:
            raise UserError(f"{where}: there is no section {section}{nearest(str(section), _dotted(schema))}")
        known = schema["properties"][section].get("properties")
        if known is None:
            continue
        if not isinstance(content, dict):
            raise UserError(f"{where}: {section} should be a section of `key: value` lines, not {_show(content)}")
        for name in content:
            if name not in known:
                inside = nearest(str(name), list(known)).replace("mean ", f"mean {section}.")
                elsewhere = [key for key in _dotted(schema) if key.endswith(f".{name}")]
                hint = inside or (f"; did you mean {elsewhere[0]}?" if elsewhere else "")
                raise UserError(f"{where}: there is no parameter {section}.{name}{hint}")


def check_values(params: dict, schema: dict, where: Callable[[str], str]) -> None:
    """UserError for a missing key, or the first value that breaks its bound; `where` tells the file of a dotted key."""
    from jsonschema import Draft202012Validator

    for key in _dotted(schema):
        section, _, name = key.partition(".")
        if section not in params or (name and name not in params[section]):
            raise UserError(f"{where(section)}: the parameter {key} is missing")
    errors = sorted(Draft202012Validator(schema).iter_errors(params), key=lambda error: list(map(str, error.path)))
    if errors:
        error = errors[0]
        key = ".".join(str(part) for part in error.path)
        raise UserError(f"{where(key)}: {_sentence(error, key)}")


def describe(schema: dict) -> str:
    """docs/parameters.md: a table per section, with every key's type, bounds and meaning."""
    lines = ["# Parameters", ""]
    lines += ["Made from `workflow/schemas/params.schema.yaml` by `make docs`; edit that file, not this one.", ""]
    lines += ["The values stand in `params.yaml`, and in `experiments/<experiment>.yaml`, which goes over it.", ""]
    for section, content in schema["properties"].items():
        lines += [f"## {section}", "", content["description"], ""]
        if "properties" in content:
            lines += ["| key | value | meaning |", "| --- | --- | --- |"]
            for name, rule in content["properties"].items():
                lines.append(f"| `{section}.{name}` | {_bounds(rule)} | {rule['description'].replace('|', '/')} |")
            lines.append("")
        else:
            lines += [f"Value: {_bounds(content)}.", ""]
    return "\n".join(lines[:-1]) + "\n"


def _dotted(schema: dict) -> list[str]:
    """Every section without keys of its own, and every key as section.key."""
    out = []
    for section, content in schema["properties"].items():
        names = content.get("properties")
        out += [section] if names is None else [f"{section}.{name}" for name in names]
    return out


def _sentence(error, key: str) -> str:
    """A jsonschema error about the value at `key`, in words."""
    value, bound = _show(error.instance), error.validator_value
    if error.validator == "pattern" and error.schema.get("pattern") == "^[A-Za-z0-9_-]+$":
        return f"{key or 'the name'}: {value} may have only letters, digits, _ and -"
    if error.validator == "type":
        words = f"must be {_type(bound)}"
    elif error.validator == "enum":
        words = f"must be one of {', '.join(bound)}"
    elif error.validator in BOUNDS:
        words = BOUNDS[error.validator].format(bound)
    else:
        words = error.message
    return f"{key} is {value}, but {words}"


def _show(value: object) -> str:
    """A value as it stands in YAML."""
    return json.dumps(value) if value is None or isinstance(value, bool) else repr(value)


def _type(bound: str | list) -> str:
    names = {"integer": "a whole number", "number": "a number", "string": "a text", "boolean": "true or false"}
    names |= {"array": "a list", "object": "a section", "null": "null"}
    return " or ".join(names[name] for name in ([bound] if isinstance(bound, str) else bound))


def _bounds(rule: dict) -> str:
    """The type and bounds of a key, as they stand in the documentation."""
    if "enum" in rule:
        return ", ".join(f"`{value}`" for value in rule["enum"])
    parts = [_type(rule["type"])]
    if "items" in rule:
        parts.append("of " + _bounds(rule["items"]))
    if "minimum" in rule:
        parts.append(f"from {rule['minimum']}")
    if "exclusiveMinimum" in rule:
        parts.append(f"above {rule['exclusiveMinimum']}")
    if "maximum" in rule:
        parts.append(f"to {rule['maximum']}")
    if "exclusiveMaximum" in rule:
        parts.append(f"below {rule['exclusiveMaximum']}")
    if "multipleOf" in rule:
        parts.append(f"a multiple of {rule['multipleOf']}")
    return ", ".join(parts).replace(", of", " of")
