"""Every text of the interface is in every shipped catalogue, and no catalogue holds one that is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from tests.render.factory import ROOT

CATALOGUES = sorted((ROOT / "locale").glob("*/LC_MESSAGES/digest.po"))
Key = str | tuple[str, ...]


def extracted() -> set[Key]:
    with (ROOT / "locale" / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call] # Babel's frontend has no types

    def near(folder: str) -> bool:
        path = Path(folder)
        return path.name in {"digest", "templates"} or bool(
            {"render", "templates"} & set(path.parts[len(ROOT.parts) :])
        )

    found = extract_from_dir(str(ROOT), methods, options, directory_filter=near)
    return {message if isinstance(message, str) else tuple(message) for _, _, message, _, _ in found}


def messages(path: Path) -> Iterator[tuple[Key, tuple[str, ...]]]:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.parent.parent.name, abort_invalid=True)
    assert not catalogue.obsolete
    for message in catalogue:
        if message.id:
            strings = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
            assert not message.fuzzy
            yield (message.id if isinstance(message.id, str) else tuple(message.id)), strings


def test_there_are_texts_and_catalogues() -> None:
    assert "Unsubscribe" in extracted()
    assert "keyword line" in extracted()
    assert ROOT / "locale/zh_Hans/LC_MESSAGES/digest.po" in CATALOGUES


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_a_catalogue_holds_exactly_the_texts_there_are(path: Path) -> None:
    assert {key for key, _ in messages(path)} == extracted()


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_translations_are_there_and_keep_their_fields(path: Path) -> None:
    for key, strings in messages(path):
        source = key if isinstance(key, str) else key[-1]
        for text in strings:
            assert text
            assert set(re.findall(r"%\(\w+\)s", text)) == set(re.findall(r"%\(\w+\)s", source)), source
