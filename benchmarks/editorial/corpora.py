"""The development halves, as `digest classify --jsonl` would read them. Their texts stay outside of the repository."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from digest.classify.batch import article_of
from digest.errors import InputError
from digest.model import Article
from digest.pickup import dateline, language

NOW = datetime(2000, 1, 1, tzinfo=UTC)
Record = dict[str, Any]


class Corpora:
    """The halves in a folder; each is thinned to about so many records, stories never cut."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder = folder
        self.most = most

    def has(self, name: str) -> bool:
        return (self.folder / f"{name}.dev.jsonl.gz").exists()

    def load(self, name: str, key: str = "id", most: int = 0) -> list[Record]:
        """The records; of a large corpus those with the smallest hash of what must stay together."""
        with gzip.open(self.folder / f"{name}.dev.jsonl.gz", "rt", encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        share = min(1.0, (most or self.most) / len(records))
        return [record for record in records if _place(record["labels"].get(key) or record[key]) < share]

    def crosswalk(self) -> Record:
        found: Record = json.loads((self.folder / "crosswalk.json").read_text("utf-8"))
        return found


def _place(key: str) -> float:
    """Where a key stands between 0 and 1, the same in every run."""
    return int(hashlib.sha256(str(key).encode()).hexdigest()[:12], 16) / 16**12


def article(record: Record, number: int = 0) -> Article | None:
    """The article of a record; None where there are no words to judge."""
    given = {
        "id": f"{number}",
        "title": record["title"],
        "text": record["text"],
        "date": record["date"],
        "dateline": (record.get("meta") or {}).get("dateline") or "",
    }
    try:
        return article_of(
            given, now=NOW, number=number, language=language.detect, moment=_moment, filed=dateline.taken_off
        )
    except InputError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
