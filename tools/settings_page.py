"""Write docs/settings.md from the code: `python -m tools.settings_page`. A test holds the page against the code."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from digest.model import DigestRule, SectionRule
from digest.settings import LISTS, SECRETS, TABLES, DomainLimit, Mail, variable

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"


def reference() -> str:
    """docs/settings.md: every setting with its meaning, default and environment variable (Markdown)."""
    out = [
        "# Settings",
        "",
        "Made from the tables in `digest/settings/` and `digest/model/publication.py` by",
        "`python -m tools.settings_page`; a test holds it against the code. A publication's folder holds",
        "`digest.toml`; the environment overrides it, and a secret may come from a file named in its",
        "variable with `_FILE` appended. `digest check` shows every setting, its value and where the value came from.",
    ]
    for name, kind in TABLES.items():
        out += ["", f"## [{name}]", "", *_table(kind, name)]
        if kind is Mail:
            out += ["", "### [[mail.limits]]", "", *_table(DomainLimit, "")]
    for name, kind in LISTS.items():
        out += ["", f"## [[{name}]]", "", *_table(kind, "")]
        if kind is DigestRule:
            out += ["", "### [[digests.sections]]", "", *_table(SectionRule, "")]
    return "\n".join(out) + "\n"


def _table(kind: type, prefix: str) -> Iterator[str]:
    # Only this page needs the attributes' docstrings; reading them costs a command a fifth of a second.
    # A table built on another one has the words of both.
    words: dict[str, str] = {}
    for base in reversed([one for one in kind.__mro__ if dataclasses.is_dataclass(one)]):
        base.__pydantic_config__ = {**base.__pydantic_config__, "use_attribute_docstrings": True}  # type: ignore[attr-defined] # pydantic's own place for it
        schema = TypeAdapter(base).json_schema()
        words |= {name: entry["description"] for name, entry in schema["properties"].items() if "description" in entry}
    yield f"{schema['description']}"
    yield ""
    yield "| setting | meaning | default |" + (" environment |" if prefix else "")
    yield "| --- | --- | --- |" + (" --- |" if prefix else "")
    required = set(schema.get("required", ()))
    for entry in dataclasses.fields(kind):
        text = " ".join(words.get(entry.name, "").split())
        default = "required" if entry.name in required else _default(entry)
        row = f"| `{entry.name}` | {text} | {default} |"
        if prefix:
            path = f"{prefix}.{entry.name}"
            row += f" `{variable(path)}`" + (" (or `_FILE`)" if path in SECRETS else "") + " |"
        yield row


def _default(entry: dataclasses.Field[Any]) -> str:
    if entry.default_factory is not dataclasses.MISSING and (made := entry.default_factory()):
        return f"`{made}`"
    if entry.default is dataclasses.MISSING or entry.default in ("", (), None):
        return ""
    if isinstance(entry.default, tuple):
        return ", ".join(f"`{value}`" for value in entry.default)
    return f"`{str(entry.default).lower() if isinstance(entry.default, bool) else entry.default}`"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
