"""The interface's languages: gettext catalogues, and dates and counts as the CLDR writes them.

A catalogue is `<locale folder>/<language>/LC_MESSAGES/digest.po`; its source texts are English. One `Language` is
picked for a whole mail, so that its words and its dates never come from two languages.
"""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.numbers import format_decimal

from digest.errors import TemplateError

CATALOGUES = "locale/"  # before the names of catalogues in `Languages.sources`
_CATALOGUE = "LC_MESSAGES/digest.po"
_SHORT_MONTH = re.compile(r"(?<![ML])(M{3}|L{3})(?![ML])")
_THIN_SPACES = str.maketrans("\u2009\u202f", "  ")  # CLDR's; monospaced mail readers show them as boxes


class Language:
    """One language of the interface: its tag, its words, its dates and counts.

    Attributes:
        tag: BCP 47, for `lang` attributes and Content-Language: "zh-Hans".
        base: the language alone: "zh".
        direction: "ltr" or "rtl".
        comma: what stands between two of a list: ", ", in Chinese "、".
    """

    def __init__(self, tag: str, locale: Locale, translations: gettext.NullTranslations) -> None:
        self.tag = tag
        self.base = locale.language
        self.direction = str(locale.text_direction)
        self.comma = "、" if self.base == "zh" else ", "
        # Bare "en" is the English of the world (16 July 2018), not that of the United States; "en-US" is at hand.
        self._locale = Locale.parse("en_001") if str(locale) == "en" else locale
        self.gettext = translations.gettext
        self.ngettext = translations.ngettext
        self.day = lru_cache(maxsize=512)(self._day)
        self.number = lru_cache(maxsize=1024)(self._number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Language) and (other.tag, other._locale) == (self.tag, self._locale)

    def __hash__(self) -> int:
        return hash((self.tag, self._locale))

    def _number(self, value: float) -> str:
        """A count with this language's separators: 1,234."""
        return str(format_decimal(value, locale=self._locale))

    def _day(self, day: date, year: int | None = None) -> str:
        """A date, short, without its year when that is `year`: "20 Jul", "7月20日", else "20 Jul 2017"."""
        skeleton = "MMMd" if day.year == year else "yMMMd"
        return str(format_skeleton(skeleton, day, locale=self._locale)).translate(_THIN_SPACES)

    def period(self, first: date, last: date) -> str:
        """Two dates as an interval, months in full: "16–22 July 2018", "2018年7月16日至22日".

        CLDR has intervals of short months; UTS 35, "Missing Skeleton Fields", lengthens the month in their pattern.
        """
        if first == last:
            text = format_date(first, "long", locale=self._locale)
        else:
            field = "y" if first.year != last.year else "M" if first.month != last.month else "d"
            patterns = self._locale.interval_formats["yMMMd"][field]
            longer = (_SHORT_MONTH.sub(lambda month: month[0] + month[0][0], pattern) for pattern in patterns)
            text = "".join(
                format_date(day, pattern, locale=self._locale)
                for day, pattern in zip((first, last), longer, strict=True)
            )
        return str(text).translate(_THIN_SPACES)

    def name_of(self, names: Mapping[str, str]) -> str:
        """The name in this language, a broader form of it, English, or any; "" when there is none."""
        tags = (*widening(self.tag), "en", *names)
        return next((names[tag] for tag in tags if names.get(tag)), "")


class Languages:
    """All languages at hand, read once from a folder of catalogues. English needs none: it is the source.

    Attributes:
        sources: the catalogues' bytes by name, for the content hash.
    """

    def __init__(self, folder: Path, default: str, frozen: Mapping[str, bytes] | None = None) -> None:
        """Read the catalogues.

        Args:
            folder: holds `<language>/LC_MESSAGES/digest.po`, the language written as zh_Hans or de.
            default: BCP 47 tag of the publication's language: for readers whose own is not at hand.
            frozen: what `sources` gave once, to be read instead of the folder.

        Raises:
            TemplateError: a catalogue cannot be read.
        """
        self._default = default
        self._catalogues: dict[str, tuple[Locale, gettext.NullTranslations]] = {}
        self.pick = lru_cache(maxsize=256)(self._pick)
        self._add(Locale("en"), gettext.NullTranslations())
        found = {f"{CATALOGUES}{path.relative_to(folder).as_posix()}": path for path in folder.glob(f"*/{_CATALOGUE}")}
        self.sources: dict[str, bytes] = dict(sorted(((name, path.read_bytes()) for name, path in found.items())))
        if frozen is not None:
            self.sources = dict(frozen)
        for name, content in self.sources.items():
            self._add(*_read(content, name.split("/")[1], where=str(found.get(name, name))))

    def _add(self, locale: Locale, translations: gettext.NullTranslations) -> None:
        self._catalogues[_tag(locale)] = locale, translations
        if locale.script == _likely_script(locale.language):
            self._catalogues.setdefault(locale.language, (locale, translations))  # plain "zh" means zh-Hans

    def names(self) -> dict[str, str]:
        """Tag -> what the language calls itself, of every language at hand; English first."""
        return {_tag(locale): str(locale.get_display_name() or _tag(locale)) for locale, _ in self._catalogues.values()}

    def _pick(self, tag: str) -> Language:
        """The language at hand that is nearest to a BCP 47 tag: zh-Hans-CN, zh-Hans, zh, the publication's, English."""
        wanted = (*widening(tag), *widening(self._default), "en")
        found, translations = next(self._catalogues[each] for each in wanted if each in self._catalogues)
        own = _locale(tag)
        # The words are the catalogue's; the dates may be those of the reader's country, in the same script.
        dates = own if own and own.language == found.language and own.script in {None, found.script} else found
        return Language(_tag(found), dates, translations)


@lru_cache(maxsize=256)
def widening(tag: str) -> tuple[str, ...]:
    """A BCP 47 tag and its broader forms, narrowest first: zh-CN -> zh-CN, zh-Hans, zh."""
    parts = tag.replace("_", "-").split("-")
    tags = ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
    locale = _locale(tag)
    if locale is not None:
        tags.insert(len(tags) - 1, f"{locale.language}-{locale.script or _likely_script(locale.language)}")
    return tuple(dict.fromkeys(tags))


@lru_cache(maxsize=256)
def _locale(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag.replace("_", "-"), sep="-")
    except (ValueError, UnknownLocaleError):
        return None


def _likely_script(language: str) -> str:
    """The script that a language is mostly written in (CLDR, likely subtags): zh -> Hans."""
    likely: str = get_global("likely_subtags").get(language, "")
    return next((part for part in likely.split("_") if len(part) == 4), "")


def _tag(locale: Locale) -> str:
    return "-".join(part for part in (locale.language, locale.script, locale.territory) if part)


def _read(content: bytes, identifier: str, where: str) -> tuple[Locale, gettext.NullTranslations]:
    locale = _locale(identifier)
    if locale is None:
        raise TemplateError(
            f"'{identifier}' is not a language", where=where, remedy="name the folder zh_Hans, de or pt_BR"
        )
    try:
        catalogue = read_po(io.BytesIO(content), locale=locale, abort_invalid=True)
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        return locale, gettext.GNUTranslations(compiled)
    except (PoFileError, ValueError) as error:
        raise TemplateError(
            f"the catalogue cannot be read: {error}",
            where=where,
            line=error.lineno + 1 if isinstance(error, PoFileError) else None,  # Babel counts from 0
            remedy="write it as UTF-8 and check it with msgfmt -c",
        ) from error
