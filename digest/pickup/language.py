"""The language of a text: by script and most common words; by a statistical model only where these do not tell."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

from digest.pickup.words import words as listed

_HAN: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA: Final = re.compile("[\u3041-\u30ff]")
_HANGUL: Final = re.compile("[\uac00-\ud7af]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_WORD: Final = re.compile(r"[^\W\d_]+")
_ENGLISH: Final = listed("english")
_HANT: Final = frozenset(
    "這個為來時們說國會發對過還後學與開關經當將現進實點從種兩樣應問員東車長門見報際體電話種讓區產業陸灣億萬戰爭總統議機構關係環"
)
_HANS: Final = frozenset(
    "这个为来时们说国会发对过还后学与开关经当将现进实点从种两样应问员东车长门见报际体电话种让区产业陆湾亿万战争总统议机构关系环"
)
_SAMPLE: Final = 4000  # characters are enough to tell
_LEAST: Final = 12  # letters; of fewer nobody can tell
_LANGUAGES: Final = (
    "ar bg cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv ms nl no pl pt ro ru sk sl sr sv sw ta th tl tr"
    " uk ur vi zh"
)
_SURE: Final = 0.6
_ENGLISH_LEAST, _ENGLISH_SHARE = 8, 0.22
_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")


def detect(text: str, *, stated: str = "", otherwise: str = "") -> str:
    """The language as a BCP 47 tag: "en", "zh" (simplified), "zh-Hant", ... or "und" for what is too short or unclear.

    Args:
        text: what was written.
        stated: what the document says of itself; believed, except against Chinese, Japanese or Korean script.
        otherwise: what its source says, for a text that does not tell.
    """
    sample = text[:_SAMPLE]
    letters = len(_LETTER.findall(sample))
    if script := _east_asian(sample, letters):
        return script
    if said := tag(stated):
        return said
    words = _WORD.findall(sample.lower())
    if len(words) >= _ENGLISH_LEAST and sum(word in _ENGLISH for word in words) >= _ENGLISH_SHARE * len(words):
        return "en"
    if letters >= _LEAST:
        language, probability = _model().classify(sample)
        if probability >= _SURE:
            return str(language)
    return tag(otherwise) or "und"


def _east_asian(sample: str, letters: int) -> str:
    if sample.isascii():
        return ""
    han, kana, hangul = (len(pattern.findall(sample)) for pattern in (_HAN, _KANA, _HANGUL))
    total = han + kana + hangul
    if total < 4 or total * 3 < letters:  # a Chinese headline has eight letters
        return ""
    if kana * 8 > han + kana:
        return "ja"
    if hangul * 2 > han:
        return "ko"
    hant = sum(c in _HANT and c not in _HANS for c in sample)
    hans = sum(c in _HANS and c not in _HANT for c in sample)
    return "zh-Hant" if hant > hans else "zh"


def tag(value: str) -> str:
    """A document's own statement ("zh_CN", "EN-us") as a tag with the region left out, or "" when it is none."""
    if not _TAG.fullmatch(value.strip()):
        return ""
    primary, *rest = re.split("[-_]", value.strip().lower())
    if primary == "zh":
        return "zh-Hant" if {"hant", "tw", "hk", "mo"} & set(rest) else "zh"
    return "" if primary in {"und", "mul", "zxx"} else primary


@cache
def _model() -> Any:
    # Loaded only when needed: the model and numpy take a third of a second and 60 MB.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 - see above

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages(set(_LANGUAGES.split()) & set(model.labels))
    return model
