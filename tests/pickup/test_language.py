"""The language of a text."""

import pytest

from digest.pickup import language


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("The president said on Monday that it would not be so for the country.", "en"),
        ("港口城市今天宣布扩建码头", "zh"),
        ("港口城市今天宣布擴建碼頭，預計兩年後完工", "zh-Hant"),
        ("中国A股周一收盘上涨", "zh"),
        ("港の町は今日、新しい船を発表した", "ja"),
        ("항구 도시는 월요일에 새 배를 발표했다", "ko"),
        ("Der Präsident sagte am Montag, dass das Land nicht zahlen werde", "de"),
        ("Le président a déclaré lundi que le pays ne paierait pas", "fr"),
        ("Президент сказал в понедельник, что страна не заплатит", "ru"),
        ("abc", "und"),
        ("", "und"),
        ("qwrt zxcv plkj mnbv hgfd sdfg", "und"),
    ],
)
def test_languages(text: str, tag: str) -> None:
    assert language.detect(text) == tag


def test_what_is_stated_is_believed_but_not_against_the_script() -> None:
    assert language.detect("abc", stated="no") == "no"
    assert language.detect("Der Präsident sagte am Montag", stated="de-AT") == "de"
    assert language.detect("港口城市今天宣布扩建码头", stated="en") == "zh"
    assert language.detect("abc", otherwise="en") == "en"
    assert language.detect("abc", stated="und", otherwise="mul") == "und"


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("zh_CN", "zh"),
        ("zh-TW", "zh-Hant"),
        ("EN-us", "en"),
        ("NO", "no"),
        ("und", ""),
        ("", ""),
        ("english language", ""),
        ("<b>", ""),
    ],
)
def test_tags(value: str, tag: str) -> None:
    assert language.tag(value) == tag
