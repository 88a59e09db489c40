"""What the tests of this room share: the gazetteer and the judge, compiled once; the articles of `seeds/`, picked up."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from digest.classify import Judge, load_taxonomy
from digest.jail import Jail
from digest.model import Article, Judgement, Source, SourceKind
from digest.pickup import read_document
from digest.places import Places

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def places() -> Places:
    return Places.load()


@pytest.fixture(scope="session")
def judge(places: Places) -> Judge:
    return Judge(places, load_taxonomy())


@pytest.fixture(scope="session")
def seeds() -> tuple[Article, ...]:
    """The two seeds and all samples, as pick-up reads them."""
    files = sorted((ROOT / "seeds").glob("*.txt")) + sorted((ROOT / "seeds" / "samples").glob("2018-*"))
    found: list[Article] = []
    with Jail() as jail:
        for file in files:
            source = Source(key=file.parent.name, kind=SourceKind.FOLDER, location="seeds")
            now = datetime(2018, 7, 23, tzinfo=UTC)
            zone = ZoneInfo("Asia/Shanghai")
            found += read_document(file.read_bytes(), file.name, source, now=now, zone=zone, jail=jail)
    return tuple(found)


@pytest.fixture(scope="session")
def judged(judge: Judge, seeds: tuple[Article, ...]) -> tuple[tuple[Article, Judgement], ...]:
    return tuple((article, judge.judge(article)) for article in seeds)
