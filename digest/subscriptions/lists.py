"""Lists of subscribers: a CSV file in, in one transaction, with a reason for every line that does not go in; and out.

subscribers/README.md tells how lists look, docs/subscribers.md what an import does.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO

from digest.errors import AddressError, ListError
from digest.model import Consent, Length, Preferences, SubscriptionState, Theme
from digest.places import Places
from digest.store import Fate, Store, Wanted, address_key
from digest.subscriptions.person import NAME_LIMIT, printable, read_address

LANGUAGES: Final = ("en", "zh-Hans")  # of the interface
COLUMNS: Final = ("address", "name", "digests", "regions", "themes", "language", "length", "consent")
_LIMITS: Final = {"address": 254, "name": NAME_LIMIT, "consent": 500, "language": 35, "length": 20}
_CELL_LIMIT: Final = 5_000  # characters: of the lists of digests, regions and themes
_LINE_LIMIT: Final = 5_000_000
_CHUNK: Final = 1_000  # lines that are looked up in the store together
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs a cell that begins with one of these


@dataclass(frozen=True, kw_only=True)
class LineReport:
    """A line of a list that did not go in, and why. Lines count from 1; the header is line 1 as a rule."""

    line: int
    address: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.address or 'no address'}: {self.reason}"


@dataclass(kw_only=True)
class ImportReport:
    """What an import did, in lines of the list. `kept` is false for a dry run, or when nothing was to go in.

    `refused` are lines with a fault; `passed_over` are those of people who left or are suppressed.
    """

    imported: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[LineReport] = field(default_factory=list)
    passed_over: list[LineReport] = field(default_factory=list)
    revived: int = 0  # always: it is here so that a report says so
    kept: bool = True


class _Undo(Exception):  # noqa: N818 - not an error: it makes the store forget a rehearsal
    """Ends the transaction of an import that shall keep nothing."""


def import_csv(
    store: Store,
    source: Path | bytes,
    *,
    name: str = "list",
    places: Places,
    themes: Mapping[str, Theme],
    digests: Sequence[str],
    now: datetime,
    basis: str = "",
    languages: Sequence[str] = LANGUAGES,
    whole: bool = False,
    dry_run: bool = False,
) -> ImportReport:
    """Import a list of subscribers, in one transaction.

    A line with a fault is reported and stops no other line. A fault of the list itself (no header, an unknown
    column, not UTF-8, an open quote) imports nothing.

    Args:
        store: where to.
        source: the file, or its content.
        name: of what content was given.
        places: to read regions by code or name.
        themes: the taxonomy, by id.
        digests: keys of the publication's digests; an empty cell means all of them.
        now: the time, also that of the consents.
        basis: basis of consent for lines that name none; without it they are refused.
        languages: of the interface.
        whole: import nothing when any line is refused.
        dry_run: report what would happen, keep nothing.

    Raises:
        ListError: the list itself cannot be read: file, line and remedy. Nothing was imported.
    """
    name = source.name if isinstance(source, Path) else name
    reader = _LineReader(name, places=places, themes=themes, digests=digests, languages=languages, basis=basis, now=now)
    report = ImportReport()
    try:
        with store.transaction():
            chunk: list[tuple[int, list[Wanted]]] = []
            for number, cells in _lines(source, name):
                wanted = reader.read(number, cells, report)
                if wanted:
                    chunk.append((number, wanted))
                if len(chunk) >= _CHUNK:
                    _put(store, chunk, report, now)
                    chunk = []
            _put(store, chunk, report, now)
            if dry_run or (whole and report.refused):
                raise _Undo  # noqa: TRY301 - leaving the block by an exception is what makes the store forget
    except _Undo:
        report.kept = False
    return report


def export_csv(
    store: Store,
    out: TextIO,
    *,
    digest: str = "",
    states: Collection[SubscriptionState] = (SubscriptionState.ACTIVE,),
) -> int:
    """Write a list that `import_csv` reads, one line per subscription, streamed; how many lines.

    A cell that a spreadsheet would run as a formula gets an apostrophe before it; the import takes it off again.
    """
    writer = csv.writer(out, lineterminator="\r\n")  # RFC 4180
    total = -1  # the header is no reader
    for total, cells in enumerate(list_rows(store, digest=digest, states=states)):  # noqa: B007 - counts
        writer.writerow(cells)
    return total


def list_rows(store: Store, *, digest: str, states: Collection[SubscriptionState]) -> Iterator[Sequence[str]]:
    """The rows of such a list, the header first, as they are asked for."""
    yield COLUMNS
    for one in store.subscribers.every(digest, states):
        chosen = one.preferences
        basis = one.consent.basis.removeprefix("import: ") if one.consent else ""
        cells = (
            one.address,
            one.name,
            one.digest,
            ";".join(chosen.regions),
            ";".join(chosen.themes),
            chosen.language,
            chosen.length.value,
            basis,
        )
        yield [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells]


def _lines(source: Path | bytes, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells by column, of every line that is not empty."""
    try:
        raw = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    except OSError as error:
        raise ListError(f"cannot be read: {error.strerror}", where=name, remedy="give the path of a CSV file") from None
    with raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
        rows = csv.reader(text, strict=True)
        line = 0
        try:
            columns: list[str] = []
            for row in rows:
                first, line = line + 1, rows.line_num
                if line > _LINE_LIMIT:
                    raise ListError(f"more than {_LINE_LIMIT} lines", where=name, remedy="split it")
                if not any(cell.strip() for cell in row):
                    continue
                if not columns:
                    columns = _columns(row, name, first)
                elif len(row) > len(columns):
                    surplus = f"{len(row)} values, but the header names {len(columns)} columns"
                    yield first, {"address": row[0][:80], "": surplus}
                else:
                    yield first, {column: _plain(cell) for column, cell in zip(columns, row, strict=False)}
        except UnicodeDecodeError:
            raise ListError(
                "is not UTF-8", where=name, line=line + 1, remedy='save it as "CSV UTF-8"; nothing was imported'
            ) from None
        except csv.Error as error:
            raise ListError(
                f"is not CSV: {error}", where=name, line=line + 1, remedy="close every quote; nothing was imported"
            ) from None
        if not columns:
            raise ListError("is empty", where=name, remedy=f"the first line names the columns: {','.join(COLUMNS)}")


def _columns(row: Sequence[str], name: str, line: int) -> list[str]:
    columns = [cell.strip().casefold() for cell in row]
    known = f"the columns are {','.join(COLUMNS)}; nothing was imported"
    if len(columns) == 1 and (";" in columns[0] or "\t" in columns[0]):
        raise ListError("is not separated by commas", where=name, line=line, remedy="save it as CSV with commas")
    for column in columns:
        if column not in COLUMNS:
            raise ListError(f"there is no column '{column[:40]}'", where=name, line=line, remedy=known)
        if columns.count(column) > 1:
            raise ListError(f"the column '{column}' is there twice", where=name, line=line, remedy=known)
    if "address" not in columns:
        raise ListError("there is no column 'address'", where=name, line=line, remedy=known)
    return columns


def _plain(cell: str) -> str:
    """The cell without the apostrophe that an export put before a formula."""
    cell = cell.replace("\u3000", " ").replace("\u00a0", " ").strip()
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


class _LineReader:
    """Turns the cells of one line into what is wanted, or reports why not."""

    def __init__(
        self,
        name: str,
        *,
        places: Places,
        themes: Mapping[str, Theme],
        digests: Sequence[str],
        languages: Sequence[str],
        basis: str,
        now: datetime,
    ) -> None:
        self._name = name
        self._places = places
        self._digests = digests
        self._now = now
        self._basis = basis.strip()
        self._languages = {language.casefold(): language for language in languages}
        self._themes = {name.casefold(): theme.id for theme in themes.values() for name in theme.names.values()}
        self._themes |= {key.casefold(): key for key in themes}
        self._lines: dict[tuple[str, str], int] = {}  # (address, digest) -> line that asked for it
        self._regions: dict[str, str] = {}  # as written -> code: lists repeat them

    def read(self, line: int, cells: Mapping[str, str], report: ImportReport) -> list[Wanted]:
        """What the line asks for; empty when it was refused."""
        try:
            return self._read(line, cells)
        except (ListError, AddressError) as error:
            reason = f"{error.what} ({error.remedy})" if error.remedy else error.what
            shown = "".join(char if char.isprintable() else "\ufffd" for char in cells.get("address", "")[:80])
            report.refused.append(LineReport(line=line, address=shown, reason=reason))
            return []

    def _read(self, line: int, cells: Mapping[str, str]) -> list[Wanted]:
        if "" in cells:
            raise ListError(cells[""], remedy="put a value that holds a comma into double quotes")
        for column, cell in cells.items():
            if len(cell) > _LIMITS.get(column, _CELL_LIMIT):
                raise ListError(f"{column} is too long ({len(cell)} characters)", remedy="shorten it")
            if not printable(cell):
                raise ListError(f"{column} has control characters or line breaks", remedy="remove them")
        if not cells["address"]:
            raise ListError("no address", remedy="fill it in, or remove the line")
        address = read_address(cells["address"])
        basis = cells.get("consent") or self._basis
        if not basis:
            raise ListError("no consent", remedy="say on what basis we may write to this person")
        preferences = Preferences(
            regions=tuple(dict.fromkeys(self._region(value) for value in _values(cells, "regions"))),
            themes=tuple(dict.fromkeys(self._theme(value) for value in _values(cells, "themes"))),
            language=self._language(cells.get("language", "")),
            length=self._length(cells.get("length", "")),
        )
        digests = [self._digest(value) for value in _values(cells, "digests")] or self._digests
        consent = Consent(at=self._now, basis=f"import: {basis}", origin=f"{self._name}:{line}")
        key = address_key(address)
        for digest in dict.fromkeys(digests):
            earlier = self._lines.setdefault((key, digest), line)
            if earlier != line:
                raise ListError(f"line {earlier} has this address already", remedy="keep one of the two")
        return [
            Wanted(
                address=address,
                digest=digest,
                consent=consent,
                name=cells.get("name", ""),
                preferences=preferences,
            )
            for digest in dict.fromkeys(digests)
        ]

    def _digest(self, value: str) -> str:
        if value not in self._digests:
            raise ListError(f"there is no digest '{value}'", remedy=f"there are: {', '.join(self._digests)}")
        return value

    def _region(self, value: str) -> str:
        if value not in self._regions:
            place = self._places.resolve(value)
            if place is None:
                raise ListError(f"there is no region '{value}'", remedy="give a code (CN-GD) or an English name")
            self._regions[value] = place.code
        return self._regions[value]

    def _theme(self, value: str) -> str:
        theme = self._themes.get(value.casefold())
        if theme is None:
            known = ", ".join(sorted(set(self._themes.values())))
            raise ListError(f"there is no theme '{value}'", remedy=f"there are: {known}")
        return theme

    def _language(self, value: str) -> str:
        language = self._languages.get(value.casefold()) if value else ""
        if language is None:
            known = ", ".join(self._languages.values())
            raise ListError(f"the mails are not written in '{value}'", remedy=f"there are: {known}")
        return language

    @staticmethod
    def _length(value: str) -> Length:
        try:
            return Length(value.casefold() or Length.FULL)
        except ValueError:
            raise ListError(f"there is no length '{value}'", remedy="full or headlines") from None


def _values(cells: Mapping[str, str], column: str) -> list[str]:
    return [value.strip() for value in cells.get(column, "").split(";") if value.strip()]


def _put(store: Store, chunk: Sequence[tuple[int, list[Wanted]]], report: ImportReport, now: datetime) -> None:
    fates = iter(store.subscribers.put([one for _, wanted in chunk for one in wanted], now))
    for line, wanted in chunk:
        came = {one.digest: next(fates) for one in wanted}
        address = wanted[0].address
        if Fate.SUPPRESSED in came.values():
            report.passed_over.append(
                LineReport(line=line, address=address, reason="suppressed: nobody may write to this address")
            )
            continue
        left = ", ".join(digest for digest, fate in came.items() if fate is Fate.LEFT)
        if left:
            report.passed_over.append(
                LineReport(line=line, address=address, reason=f"left {left}: only they themselves can come back")
            )
        if Fate.ADDED in came.values():
            report.imported += 1
        elif Fate.UPDATED in came.values():
            report.updated += 1
        elif Fate.UNCHANGED in came.values():
            report.unchanged += 1
