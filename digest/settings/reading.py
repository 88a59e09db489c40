"""The file, the environment over it, and every problem in our words."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from digest.errors import ConfigError
from digest.settings import checks
from digest.settings.tables import CHANGEABLE, FILE, LISTS, SECRETS, TABLES, Settings

DESK: Final = "the desk"  # where a value came from that operators changed
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def variable(path: str) -> str:
    """The environment variable of a setting: mail.host -> DIGEST_MAIL_HOST."""
    return "DIGEST_" + path.replace(".", "_").upper()


def load(folder: Path, environ: Mapping[str, str], changed: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of a publication's folder.

    Args:
        folder: the publication's.
        environ: the environment; it stands over everything else.
        changed: setting -> value as text, of those that operators changed at the desk; they stand over the file.

    Raises:
        ConfigError: with every problem that was found, each naming the setting, where it came from and the remedy.
    """
    document, origins = _read_file(folder / FILE)
    _lay_over(document, origins, changed or {})
    problems = list(_override(document, origins, environ))
    values: dict[str, Any] = {}
    for name, kind in TABLES.items():
        table = document.pop(name, {})
        values[name], found = _validate(kind, table, name, origins)
        problems += found
    for name, kind in LISTS.items():
        entries = document.pop(name, [])
        if not isinstance(entries, list):
            problems.append(f"{name}: write each one as [[{name}]]")
            entries = []
        read = []
        for index, entry in enumerate(entries):
            value, found = _validate(kind, _weekday(entry), f"{name}[{index}]", origins)
            problems += found
            if value is not None:
                read.append(value)
        values[name] = tuple(read)
    problems += [f"{name}: no such table in {FILE} (there are: {', '.join([*TABLES, *LISTS])})" for name in document]
    if not problems:
        settings = Settings(folder=folder, origins=origins, **values)
        problems = list(checks.problems(settings))
    if problems:
        raise ConfigError(*problems)
    return settings


def _read_file(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The document and the origin of each of its values."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file (name the publication's folder with --folder, or make one with `digest init DIR`)"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start} (save the file as UTF-8)") from None
    except (tomllib.TOMLDecodeError, OSError) as error:
        raise ConfigError(f"{path}: {error}") from None
    origins: dict[str, str] = {}
    for name, table in document.items():
        for prefix, entry in _entries(name, table):
            origins.update({f"{prefix}.{key}": path.name for key in entry})
    return document, origins


def _entries(name: str, table: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(table, dict):
        yield name, table
    elif isinstance(table, list):
        yield from ((f"{name}[{i}]", entry) for i, entry in enumerate(table) if isinstance(entry, dict))


def _lay_over(document: dict[str, Any], origins: dict[str, str], changed: Mapping[str, str]) -> None:
    """Lay what operators changed over the document; what may not be changed at the desk (any more) is left out."""
    for path in CHANGEABLE & changed.keys():
        name, _, key = path.partition(".")
        table = document.setdefault(name, {})
        if isinstance(table, dict):
            table[key] = changed[path]
            origins[path] = DESK


def _override(document: dict[str, Any], origins: dict[str, str], environ: Mapping[str, str]) -> Iterator[str]:
    """Lay the environment over the document; yield what is wrong with it."""
    known = {}
    for name, kind in TABLES.items():
        for entry in dataclasses.fields(kind):
            path = f"{name}.{entry.name}"
            known[variable(path)] = (name, entry.name, path)
    for variable_name in sorted(environ):
        if not variable_name.startswith("DIGEST_") or variable_name in OTHER_VARIABLES:
            continue
        value = environ[variable_name]
        origin = f"environment {variable_name}"
        base = variable_name.removesuffix("_FILE")
        if variable_name not in known and base in known and known[base][2] in SECRETS:
            try:
                value = Path(value).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                yield f"{origin}: cannot read '{value}': {error}"
                continue
            origin = f"file {environ[variable_name]} ({variable_name})"
        elif variable_name not in known:
            yield f"{origin}: no setting has that name (docs/settings.md lists them)"
            continue
        name, key, path = known[base if variable_name not in known else variable_name]
        table = document.setdefault(name, {})
        if isinstance(table, dict):
            kinds = {entry.name: entry.type for entry in dataclasses.fields(TABLES[name])}
            table[key] = _as_list(value) if kinds[key].startswith("tuple[") else value
            origins[path] = origin


def _as_list(value: str) -> Any:
    """A variable for a setting with several values: words, or JSON where they are tables."""
    if value.lstrip().startswith("["):
        with contextlib.suppress(ValueError):  # then it is told as what it is: no list of tables
            return json.loads(value)
    return value.replace(",", " ").split()


OTHER_VARIABLES: Final = frozenset({"DIGEST_FOLDER"})


def _weekday(entry: object) -> object:
    """Let an operator write weekday = "monday"."""
    if isinstance(entry, dict) and isinstance(day := entry.get("weekday"), str) and day.lower() in _WEEKDAYS:
        return entry | {"weekday": _WEEKDAYS.index(day.lower())}
    return entry


@lru_cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _validate(kind: type, table: object, path: str, origins: Mapping[str, str]) -> tuple[Any, list[str]]:
    try:
        return _adapter(kind).validate_python(table), []
    except ValidationError as error:
        return None, [_sentence(kind, path, dict(problem), origins) for problem in error.errors()]


def _sentence(kind: type, path: str, problem: Mapping[str, Any], origins: Mapping[str, str]) -> str:
    """One problem that pydantic found, in our words."""
    loc = [str(part) for part in problem["loc"]]
    name = ".".join([path, *loc])
    origin = origins.get(f"{path}.{loc[0]}" if loc else path, FILE)
    match problem["type"]:
        case "missing" | "missing_keyword_only_argument" | "missing_argument":
            return f"{name}: is missing ({origin}: add it)"
        case "unexpected_keyword_argument" | "extra_forbidden":
            names = ", ".join(entry.name for entry in dataclasses.fields(kind))
            return f"{name}: no such setting ({origin}; there are: {names})"
        case _:
            shown = "(hidden)" if name in SECRETS else repr(problem["input"])
            return f"{name}: {shown} from {origin}: {problem['msg'].lower()}"
