from __future__ import annotations

import gettext
from datetime import date
from pathlib import Path

import pytest
from babel import Locale
from babel.localedata import locale_identifiers

from digest.errors import TemplateError
from digest.render.language import Language, Languages, widening
from tests.render.factory import ROOT

GERMAN = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "Unsubscribe"
msgstr "Abbestellen"
"""


def shipped(default: str = "en") -> Languages:
    return Languages(ROOT / "locale", default)


def write(folder: Path, language: str, content: str) -> Path:
    path = folder / language / "LC_MESSAGES" / "digest.po"
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("asked", "default", "given"),
    [
        ("zh-Hans", "en", "zh-Hans"),
        ("zh", "en", "zh-Hans"),
        ("zh-CN", "en", "zh-Hans"),
        ("zh_CN", "en", "zh-Hans"),
        ("zh-Hans-SG", "en", "zh-Hans"),
        ("zh-Hant", "en", "zh-Hans"),  # the other script of the same language is nearer than another language
        ("fr", "zh", "zh-Hans"),
        ("fr", "en", "en"),
        ("fr", "sv", "en"),
        ("en-GB", "zh", "en"),
        ("", "zh", "zh-Hans"),
        ("not a language", "en", "en"),
        ("../../etc", "en", "en"),
    ],
)
def test_a_language_falls_back(asked: str, default: str, given: str) -> None:
    assert shipped(default).pick(asked).tag == given


def test_a_catalogue_more_is_a_language_more(tmp_path: Path) -> None:
    write(tmp_path, "de", GERMAN)
    german = Languages(tmp_path, "en").pick("de-CH")
    assert (german.tag, german.gettext("Unsubscribe"), german.gettext("Top stories")) == (
        "de",
        "Abbestellen",
        "Top stories",
    )
    assert german.period(date(2018, 7, 16), date(2018, 7, 22)) == "16.–22. Juli 2018"
    assert german.number(1234567) == "1’234’567"  # the reader's country has its own way with numbers


def test_widening_goes_from_narrow_to_broad() -> None:
    assert widening("zh-CN") == ("zh-CN", "zh-Hans", "zh")
    assert widening("zh-Hans-CN") == ("zh-Hans-CN", "zh-Hans", "zh")
    assert widening("zh") == ("zh-Hans", "zh")
    assert widening("nonsense!") == ("nonsense!",)


@pytest.mark.parametrize(
    ("tag", "first", "last", "text"),
    [
        ("en", date(2018, 7, 16), date(2018, 7, 22), "16–22 July 2018"),
        ("en", date(2018, 7, 30), date(2018, 8, 5), "30 July – 5 August 2018"),
        ("en", date(2018, 12, 31), date(2019, 1, 6), "31 December 2018 – 6 January 2019"),
        ("en", date(2018, 7, 16), date(2018, 7, 16), "16 July 2018"),
        ("en-US", date(2018, 7, 16), date(2018, 7, 22), "July 16 – 22, 2018"),
        ("zh-Hans", date(2018, 7, 16), date(2018, 7, 22), "2018年7月16日至22日"),
        ("zh-Hans", date(2018, 7, 30), date(2018, 8, 5), "2018年7月30日至8月5日"),
        ("zh-Hans", date(2018, 12, 31), date(2019, 1, 6), "2018年12月31日至2019年1月6日"),
    ],
)
def test_periods_are_written_as_the_cldr_says(tag: str, first: date, last: date, text: str) -> None:
    assert shipped().pick(tag).period(first, last) == text


def test_every_language_that_babel_knows_has_periods() -> None:
    for identifier in locale_identifiers():
        language = Language(identifier, Locale.parse(identifier), gettext.NullTranslations())
        for last in (date(2018, 7, 22), date(2018, 8, 5), date(2019, 1, 6)):
            assert language.period(date(2018, 7, 16), last)


def test_days_leave_out_a_year_that_is_known() -> None:
    english, chinese = shipped().pick("en"), shipped().pick("zh")
    assert english.day(date(2018, 7, 20), 2018) == "20 Jul"
    assert english.day(date(2017, 7, 20), 2018) == "20 Jul 2017"
    assert chinese.day(date(2018, 7, 20), 2018) == "7月20日"
    assert chinese.day(date(2017, 7, 20), 2018) == "2017年7月20日"


def test_counts_have_separators_and_plurals() -> None:
    english, chinese = shipped().pick("en"), shipped().pick("zh")
    assert english.number(1234) == "1,234"
    assert english.ngettext("%(num)s story", "%(num)s stories", 1) == "%(num)s story"
    assert chinese.ngettext("%(num)s story", "%(num)s stories", 1) == "%(num)s 篇报道"
    assert chinese.ngettext("%(num)s story", "%(num)s stories", 5) == "%(num)s 篇报道"


def test_names_are_found_in_the_nearest_language() -> None:
    chinese = shipped().pick("zh-CN")
    assert chinese.name_of({"en": "China", "zh": "中国"}) == "中国"
    assert chinese.name_of({"en": "China", "zh-Hans": "中国"}) == "中国"
    assert chinese.name_of({"en": "China"}) == "China"
    assert chinese.name_of({"fr": "Chine"}) == "Chine"
    assert chinese.name_of({}) == ""


def test_languages_are_equal_when_words_and_dates_are() -> None:
    languages = shipped()
    assert languages.pick("zh-CN") == languages.pick("zh-CN")
    assert hash(languages.pick("en")) == hash(shipped().pick("en"))
    assert languages.pick("en-US") != languages.pick("en-GB")
    assert languages.pick("en") != "en"
    assert isinstance(languages.pick("en"), Language)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("klingon_speak", GERMAN, None),
        ("de", 'msgid "a"\nnonsense\n', 2),
        ("de", 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=two; plural=;\\n"\n', None),
    ],
)
def test_a_broken_catalogue_is_named(tmp_path: Path, name: str, content: str, line: int | None) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(TemplateError) as caught:
        Languages(tmp_path, "en")
    assert (caught.value.where, bool(caught.value.remedy)) == (str(path), True)
    if line is not None:
        assert caught.value.line == line


def test_a_catalogue_must_be_utf_8(tmp_path: Path) -> None:
    path = write(tmp_path, "de", "")
    path.write_bytes(GERMAN.replace("Abbestellen", "Für").encode("latin-1"))
    with pytest.raises(TemplateError, match="cannot be read"):
        Languages(tmp_path, "en")
