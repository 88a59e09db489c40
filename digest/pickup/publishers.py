"""Publishers and agencies that pages name: recognised by name, and the time zone that their stamps mean.

Names are kept as printed ("Xinhua", "新华社"); this table only recognises them. A page of an unknown publisher is read
just as well: it then needs a zone in its stamp or in its source's settings.
"""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import Final
from zoneinfo import ZoneInfo

_SHANGHAI, _HONG_KONG, _SINGAPORE, _LONDON, _NEW_YORK = (
    "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Singapore", "Europe/London", "America/New_York",
)  # fmt: skip

_KNOWN: Final = {
    _SHANGHAI: (
        "xinhua|xinhuanet|xinhua news agency|xinhua finance|新华社|新华网|新华|新华每日电讯|中新社|中新网|中国新闻网|中国新闻社"
        "|china news service|ecns|chinanews|people's daily|people's daily online|人民日报|人民网|人民日报海外版|global times"
        "|环球时报|环球网|环球时报-环球网|china daily|中国日报|中国日报网|cgtn|cctv|央视|央视新闻|央视网|央广网|caixin|caixin global"
        "|财新|财新网|财新传媒|yicai|yicai global|第一财经|澎湃新闻|光明日报|光明网|经济日报|中国经济网|证券时报|中国证券报|上海证券报"
        "|新浪|新浪财经|新浪网|网易|搜狐|腾讯|凤凰网|界面新闻|南方日报|新京报|北京日报|解放日报|sixth tone|shanghai daily|china.org.cn"
        "|中国网|参考消息|每日经济新闻|21世纪经济报道|economic daily|科技日报|中国青年报|工人日报|法制日报|观察者网"
    ),
    _HONG_KONG: "south china morning post|scmp|大公报|大公報|文汇报|文匯報|明報|明报|香港電台|rthk|the standard|hong kong free press",
    _SINGAPORE: "china knowledge|the straits times|straits times|channel newsasia|cna|联合早报|聯合早報|the business times",
    _LONDON: "bbc|bbc news|the guardian|guardian|financial times|the economist|sky news|the telegraph|the independent",
    _NEW_YORK: (
        "cnn|the new york times|new york times|bloomberg|彭博社|cnbc"
        "|the wall street journal|dow jones|dow jones newswires|upi|prnewswire|pr newswire|business wire|globe newswire"
        "|the washington post|marketwatch|voa|voice of america"
    ),
    "Asia/Tokyo": "kyodo|kyodo news|nhk|nikkei|nikkei asia|nikkei asian review|jiji|jiji press|共同社|the japan times",
    "Asia/Seoul": "yonhap|yonhap news agency|the korea herald|韩联社",
    "Asia/Jerusalem": "haaretz|the jerusalem post|jerusalem post|the times of israel|globes|ynet|ynetnews",
    "Asia/Kolkata": "pti|press trust of india|ians|ani|the hindu|the times of india|the economic times",
    "Europe/Moscow": "tass|interfax|ria novosti|sputnik|rt|塔斯社|俄新社",
    "Europe/Berlin": "dpa|deutsche presse-agentur|dw|deutsche welle|德新社",
    "Asia/Taipei": "中央社|focus taiwan|自由時報|聯合報|中國時報|taipei times",
    "Asia/Kuala_Lumpur": "bernama|the star",
    "Asia/Jakarta": "antara|the jakarta post",
    "Australia/Sydney": "aap|abc news australia|the sydney morning herald",
    "Asia/Qatar": "al jazeera|半岛电视台",
}
# Their stamps are in no one zone, or their pages print it.
_ZONELESS: Final = "associated press|ap|the associated press|美联社|reuters|thomson reuters|路透社|路透|afp|agence france-presse|法新社|efe|ansa|politico|axios|ap news|the conversation"

_ZONES: Final = {name: zone for zone, names in _KNOWN.items() for name in names.split("|")}
_NAMES: Final = frozenset([*_ZONES, *_ZONELESS.split("|")])
_TAIL: Final = re.compile(
    r"(?:\s+(?:news agency|online|website|app|net))?\s*$|\.(?:com|cn|net|org)\b.*$", re.IGNORECASE
)


def _key(name: str) -> str:
    key = name.strip().strip("()[]（）【】《》").replace("’", "'").casefold()
    return key if key in _NAMES else _TAIL.sub("", key)


def known(name: str) -> bool:
    """Whether this is the name of a publisher or agency of the table."""
    return _key(name) in _NAMES


def known_start(name: str) -> str:
    """The known name that a longer one starts with ("South China Morning Post Publishers" -> without its last word), or ""."""
    words = name.strip(" .").split()
    if len(words) <= 1:
        return name.strip(" .") if known(name) else ""
    starts = (" ".join(words[:end]) for end in range(len(words), 0, -1))
    return next((start for start in starts if known(start)), "")


def zone_of(name: str) -> tzinfo | None:
    """The zone that stamps on a publisher's pages mean, where they name none: Xinhua's are Beijing time."""
    zone = _ZONES.get(_key(name))
    return ZoneInfo(zone) if zone else None
