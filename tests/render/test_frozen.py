"""What is said of the publication is frozen with a revision, as templates, styles and catalogues are."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from digest.errors import TemplateError
from digest.model import Publication
from digest.render import Renderer
from tests.render import factory

MOVED = replace(  # another site
    factory.PUBLICATION,
    title="North Gate Wire",
    url="https://north.example",
    postal_address="1 Other Street",
    time_zone="UTC",
    samples=False,
)


def renderer(publication: Publication) -> Renderer:
    return Renderer(
        publication=publication,
        template_folders=[factory.ROOT / "templates"],
        locale_folder=factory.ROOT / "locale",
        places=factory.places(),
        themes=factory.THEMES,
        token=lambda: secrets.token_hex(16),
    )


def test_a_revision_keeps_what_was_said_of_the_publication() -> None:
    edition, reader = factory.small(), factory.reader()
    before, now = renderer(factory.PUBLICATION), renderer(MOVED)
    materials = before.materials("weekly-report")
    assert "digest.example/editions/weekly-2018-W15" in before.copy(edition, reader).html  # an earlier story
    assert now.frozen(materials).copy(edition, reader) == before.copy(edition, reader)
    assert now.frozen(materials).online(edition, "") == before.online(edition, "")
    assert now.copy(edition, reader) != before.copy(edition, reader)
    assert now.frozen(materials).materials("weekly-report") == materials != now.materials("weekly-report")


def test_a_revision_from_before_that_was_kept_shows_what_is_said_today() -> None:
    materials = factory.renderer().materials("weekly-report")
    del materials["publication.json"]
    assert "North Gate Wire" in factory.renderer(MOVED).frozen(materials).copy(factory.small(), factory.reader()).text


def test_what_the_store_holds_may_be_of_another_version() -> None:
    materials = {**factory.renderer().materials("weekly-report"), "publication.json": b'{"title": "A", "motto": "B"}'}
    assert (
        "A · https://digest.example\n"
        in factory.renderer().frozen(materials).copy(factory.small(), factory.reader()).text
    )


@pytest.mark.parametrize("damage", [b"{", b"[]", b"\xff"])
def test_a_damaged_one_is_named(damage: bytes) -> None:
    materials = {**factory.renderer().materials("weekly-report"), "publication.json": damage}
    with pytest.raises(TemplateError, match=r"publication\.json"):
        factory.renderer().frozen(materials)
