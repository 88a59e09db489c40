"""Bytes to text, in the encodings that Chinese and Western pages come in."""

import pytest

from digest.errors import PickupError
from digest.pickup.decode import text_of

CHINESE = "港口城市今天宣布，新的码头将在明年建成，这里的人们不用再坐一天的车到山的那一边去，也可以把茶叶卖到国外。"
TAIWAN = "港口城市今天宣布，新的碼頭將在明年建成，這裡的人們不用再坐一天的車到山的那一邊去，也可以把茶葉賣到國外。"
WESTERN = "Die Brücke über den Fluß wurde am Montag für den Verkehr geöffnet – nach zwei Jahren."


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (CHINESE, "utf-8"), (CHINESE, "utf-8-sig"), (CHINESE, "utf-16"), (CHINESE, "utf-32"), (CHINESE, "gb18030"), (CHINESE, "gb2312"),
        (TAIWAN, "big5"), (WESTERN, "cp1252"), (WESTERN, "utf-16-le"), (WESTERN, "utf-16-be"), (WESTERN, "utf-8"),
    ],
)  # fmt: skip
def test_encodings_are_told(text: str, codec: str) -> None:
    assert text_of(text.encode(codec), "a.txt").lstrip("\ufeff") == text


SPOKEN = {
    "Президент сказал в понедельник, что страна не заплатит, пока договор не подписан.": ("koi8-r", "cp1251", "cp866"),
    "首相は月曜日に、両国が条約に署名するまで支払いは行わないと述べた。": ("cp932", "euc_jp"),
    "대통령은 월요일 양국이 조약에 서명할 때까지 지불하지 않을 것이라고 말했다.": ("cp949",),
    "ראש הממשלה אמר ביום שני כי המדינה לא תשלם עד שההסכם ייחתם על ידי שני הצדדים.": ("cp1255",),
    "قال الرئيس يوم الاثنين إن البلاد لن تدفع حتى يتم توقيع الاتفاقية من قبل الطرفين.": ("cp1256",),
    "Ο πρόεδρος είπε τη Δευτέρα ότι η χώρα δεν θα πληρώσει μέχρι να υπογραφεί η συμφωνία.": ("cp1253",),
    "ประธานาธิบดีกล่าวเมื่อวันจันทร์ว่าประเทศจะไม่จ่ายเงินจนกว่าข้อตกลงจะลงนามโดยทั้งสองฝ่าย": ("tis_620",),
}


@pytest.mark.parametrize(("text", "codec"), [(text, codec) for text, codecs in SPOKEN.items() for codec in codecs])
def test_other_scripts_are_told_by_their_letters(text: str, codec: str) -> None:
    feed = f"<rss><channel><title>News</title><item><title>{text}</title></item></channel></rss>"
    assert text_of(feed.encode(codec), "a.xml") == feed


@pytest.mark.parametrize("codec", ["cp037", "cp500", "utf-32-be", "utf-32-le", "hp-roman8", "cp437"])
def test_a_feed_in_any_encoding_that_it_names(codec: str) -> None:
    feed = f"<?xml version='1.0' encoding='{codec}'?><rss><channel><title>Café</title></channel></rss>"
    assert text_of(feed.encode(codec), "a.xml") == feed


@pytest.mark.parametrize("codec", ["utf-16", "cp037", "utf-7", "rot13", "unicode_escape", "base64", "nonsense"])
def test_a_name_that_cannot_be_is_not_believed(codec: str) -> None:
    feed = f"<?xml version='1.0' encoding='{codec}'?><a>\\u0041+AGE-é</a>"
    assert text_of(feed.encode(), "a.xml") == feed
    assert text_of(feed.encode(), "a.xml", codec) == feed


def test_a_mark_that_does_not_hold() -> None:
    assert text_of(b"\xef\xbb\xbf" + WESTERN.encode("cp1252"), "a.txt") == WESTERN


def test_a_declaration_is_believed_if_it_fits() -> None:
    html = "<html><meta charset=gb2312><p>港口㐀</p>"
    assert text_of(html.encode("gb18030"), "a.html") == html
    xml = '<?xml version="1.0" encoding="iso-8859-1"?><a>é’</a>'
    assert text_of(xml.encode("cp1252"), "a.xml") == xml
    wrong = '<?xml version="1.0" encoding="shift_jis"?><a>' + WESTERN + "</a>"
    assert WESTERN in text_of(wrong.encode("utf-8").replace(b"shift_jis", b"us-asciii"), "a.xml")
    evil = b'<?xml version="1.0" encoding="rot13"?><a>b</a>'
    assert text_of(evil, "a.xml").endswith("<a>b</a>")


def test_one_cut_character_does_not_spoil_a_page() -> None:
    data = CHINESE.encode()[:-1]
    assert text_of(data, "a.txt").startswith("港口城市")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "not a text document"),
        (b"\xff\xfea\x00b", "which its byte order mark announces"),
        ("Żółć i gęś.".encode("iso8859-2"), "cannot tell the encoding"),
        (bytes(range(128, 256)) * 2, "cannot tell the encoding"),
        (
            b"Some text \x81\x8d\x8f in which a byte is not of any kind that we know of, and it goes on",
            "cannot tell the encoding",
        ),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_remedy(data: bytes, what: str) -> None:
    with pytest.raises(PickupError, match=what) as caught:
        text_of(data, "bad.txt")
    assert caught.value.where == "bad.txt"
    assert caught.value.remedy
