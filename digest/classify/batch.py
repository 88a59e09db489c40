"""Many articles in and out as JSON lines, for `digest classify --jsonl` and its like. docs/batch.md has the forms.

    a line | record_of -> fields | article_of -> Article          Judgement | judged_record -> fields

What cannot be judged says so, with the remedy; the next line is another article.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from digest.classify.regions import CENTRAL
from digest.classify.taxonomy import Taxonomy
from digest.clean import html_paragraphs, html_to_text, one_line, plain
from digest.errors import InputError
from digest.model import Article, Judgement, Role
from digest.places import Level, Places

LONGEST: Final = 200_000  # characters of a text that are taken: more says nothing new about what it is about
_LONGEST_MARKUP: Final = 600_000
_TITLE, _FIELD, _TEASER = 400, 200, 2000
_TAGGED: Final = re.compile(
    r"</?(?:p|br|div|a|b|i|em|strong|ul|li|h\d|span|img|html|body)\b[^<>]{0,2000}>", re.IGNORECASE
)
_KIND: Final = re.compile(
    r"^(?:Community|State|Province|Canton|Region) of |,? (?:State|Province|Governorate|Region|Prefecture|Oblast|Krai"
    r"|City|Canton|District|County|\(state\))$"
)
_LETTER: Final = re.compile(r"[^\W\d_]")
_MISREAD: Final = re.compile("[ÃâÂÐÑã][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€")
_FEWEST_LETTERS: Final = 0.25  # of what is no space; a text with fewer is numbers, code or bytes

Language = Callable[[str], str]
Moment = Callable[[str], datetime | None]
Filed = Callable[[str], tuple[str, str, str] | None]


def record_of(line: str | bytes) -> Mapping[str, Any]:
    """The fields of one line.

    Raises:
        InputError: it is not a JSON object.
    """
    try:
        found = json.loads(line.decode("utf-8", "replace") if isinstance(line, bytes) else line)
    except json.JSONDecodeError as error:
        raise InputError(
            f"not JSON: {error.msg} in column {error.colno}", remedy="write one JSON object a line"
        ) from None
    except (RecursionError, ValueError):
        raise InputError("not usable JSON: nested too deeply, or a number is too long") from None
    if not isinstance(found, dict):
        raise InputError("not a JSON object", remedy='write {"id": "…", "title": "…", "text": "…"} on one line')
    return found


def id_of(record: Mapping[str, Any]) -> str | int | None:
    """The id as it was given, so that the answer carries the same one."""
    found = record.get("id")
    return found if isinstance(found, str | int) and not isinstance(found, bool) else None


def article_of(
    record: Mapping[str, Any],
    *,
    now: datetime,
    number: int = 0,
    language: Language,
    moment: Moment,
    filed: Filed | None = None,
) -> Article:
    """The article of a record: `title`, `text` (a line a paragraph; markup is taken away), `date` and `dateline`.

    Where they are given, `keywords`, `publisher`, `section`, `agency`, `teaser` and `language` count too.

    Args:
        record: the fields; unknown ones are passed over, wrong types are taken as text.
        now: becomes `first_seen`, and its date when it carries none.
        number: of the line, which names an article without an id.
        language: tells the language of a text.
        moment: reads a date as it was written; None for none.
        filed: takes a dateline off a first paragraph: place, agency, and the text after it; None for none.

    Raises:
        InputError: cannot judge: it has no words, or is no text.
    """
    title = _line(record, "title", _TITLE)
    paragraphs = paragraphs_of(mended(_text(record, "text")[:_LONGEST_MARKUP]))
    whole = " ".join((title, *paragraphs[:50]))
    if not whole.strip():
        raise InputError("cannot judge: neither a title nor a text", remedy="give at least one of them")
    if len(_LETTER.findall(whole[:4000])) < _FEWEST_LETTERS * len(re.sub(r"\s", "", whole[:4000])):
        raise InputError("cannot judge: this is no text in any language", remedy="give words, decoded")
    dateline, agency = _field(record, "dateline"), _field(record, "agency")
    if paragraphs and filed is not None and (found := filed(paragraphs[0])) is not None and found[2].strip():
        dateline, agency = dateline or found[0], agency or found[1]
        paragraphs = (found[2].strip(), *paragraphs[1:])
    keywords = record.get("keywords")
    return Article(
        source=_field(record, "source") or _field(record, "publisher") or f"line {number}",  # unknown: each its own
        id=str(record.get("id") or f"line {number}"),
        title=title,
        paragraphs=paragraphs,
        language=_text(record, "language") or language(whole[:4000]),
        origin=f"line {number}",
        first_seen=now,
        published=moment(_text(record, "date") or _text(record, "published")),
        publisher=_field(record, "publisher"),
        section=_field(record, "section"),
        agency=agency,
        dateline=dateline,
        keywords=tuple(one_line(str(one), _FIELD) for one in keywords[:50]) if isinstance(keywords, list) else (),
        teaser=_line(record, "teaser", _TEASER),
    )


def paragraphs_of(text: str) -> tuple[str, ...]:
    """The paragraphs of a text: its lines, or its blocks if it is markup; at most `LONGEST` characters."""
    lines = html_paragraphs(text) if _TAGGED.search(text[:20_000]) else tuple(text.splitlines())
    kept: list[str] = []
    left = LONGEST
    for line in lines:
        if left <= 0:
            break
        if clean := plain(line[:left]):
            kept.append(clean)
            left -= len(clean)
    return tuple(kept)


def mended(text: str) -> str:
    """UTF-8 that somebody read as Western, read again as what it was: â€™ -> ’. Anything else stays as it is."""
    if not _MISREAD.search(text):
        return text
    for charset in ("cp1252", "latin-1"):
        try:
            found = text.encode(charset).decode("utf-8")
        except UnicodeError:
            continue
        if not _MISREAD.search(found):
            return found
    return text


def judged_record(
    identity: object, article: Article, judgement: Judgement, *, places: Places, taxonomy: Taxonomy
) -> Mapping[str, object]:
    """What one line of `digest classify --jsonl` says.

    `countries` are what the article is about, best first; `mentioned` are all countries that it names.
    """
    central: dict[str, None] = {}
    named: dict[str, None] = {}
    for tag in judgement.regions:
        country = places.country(tag.region)
        if country:
            named[country] = None
            if tag.score >= CENTRAL or tag.role is not Role.MENTIONED:
                central[country] = None
    return {
        "id": identity,
        "regions": [
            {
                "region": tag.region,
                "name": places.name(tag.region),
                "role": tag.role.value,
                "score": tag.score,
                "country": places.country(tag.region),
                "admin1": _division(tag.region, places),
                "within": [places.name(outer) for outer in places.parents(tag.region)[:-1]],
            }
            for tag in judgement.regions
        ],
        "countries": list(central),
        "mentioned": list(named),
        "themes": [
            {"theme": tag.theme, "name": taxonomy.name(tag.theme), "score": tag.score} for tag in judgement.themes
        ],
        "summary": list(judgement.summary),
        "language": article.language,
    }


def _division(code: str, places: Places) -> str:
    """The first-level division that a place is or lies in: "US/Louisiana"; "" for what is larger."""
    country = places.country(code)
    chain = [code, *places.parents(code)]
    inside = chain[: chain.index(country)] if country in chain else []
    found = next((outer for outer in reversed(inside) if _level(outer, places) is Level.DIVISION), "")
    return f"{country}/{_plain_name(found, places)}" if found else ""


def _plain_name(code: str, places: Places) -> str:
    """A division's name without the word for its kind: New York, not New York State."""
    name = places.name(code)
    return _KIND.sub("", name) or name


def _level(code: str, places: Places) -> Level | None:
    place = places.find(code)
    return place.level if place else None


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else "" if value is None or isinstance(value, dict | list) else str(value)


def _line(record: Mapping[str, Any], key: str, longest: int) -> str:
    text = mended(_text(record, key)[: longest * 10])
    return one_line(html_to_text(text) if _TAGGED.search(text) else text, longest)


def _field(record: Mapping[str, Any], key: str) -> str:
    return one_line(_text(record, key)[: _FIELD * 10], _FIELD)
