"""Articles in and out as JSON lines: what is read, what cannot be judged, what is said."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from digest.classify import Judge, load_taxonomy
from digest.classify.batch import LONGEST, article_of, id_of, judged_record, mended, paragraphs_of, record_of
from digest.errors import InputError
from digest.model import Article, Judgement, RegionTag, Role
from digest.places import Places

NOW = datetime(2018, 7, 23, tzinfo=UTC)


def read(**record: Any) -> Article:
    return article_of(
        record,
        now=NOW,
        number=7,
        language=lambda text: "en" if text.isascii() else "zh",
        moment=lambda text: datetime.fromisoformat(text) if text else None,
    )


class TestRecords:
    def test_one_object_a_line(self) -> None:
        assert record_of(b'{"id": 1}\n') == {"id": 1}
        assert record_of('{"id": "a"}') == {"id": "a"}

    @pytest.mark.parametrize(
        ("line", "what"),
        [
            (b"nonsense", "not JSON"),
            (b"\xff\xfe", "not JSON"),
            (b"[1, 2]", "not a JSON object"),
            (b"[" * 200_000, "nested too deeply"),
            (b'{"id": ' + b"1" * 5000 + b"}", "a number is too long"),
        ],
    )
    def test_anything_else_is_told(self, line: bytes, what: str) -> None:
        with pytest.raises(InputError, match=what):
            record_of(line)

    @pytest.mark.parametrize(("given", "kept"), [("a", "a"), (5, 5), (True, None), (None, None), ([1], None)])
    def test_an_id_is_kept_as_it_is(self, given: object, kept: object) -> None:
        assert id_of({"id": given}) == kept


class TestArticles:
    def test_fields(self) -> None:
        one = read(
            id=5, title=" A  title ", text="One.\n\nTwo.", date="2018-07-20T09:15:00+08:00", dateline="HAIFA",
            keywords=["Israel", 3], publisher="P", section="S", agency="A", teaser="<p>T</p>", language="de",
        )  # fmt: skip
        assert (one.id, one.title, one.paragraphs, one.dateline) == ("5", "A title", ("One.", "Two."), "HAIFA")
        assert (one.keywords, one.publisher, one.section, one.agency) == (("Israel", "3"), "P", "S", "A")
        assert (one.teaser, one.language, one.when.hour) == ("T", "de", 9)

    def test_without_an_id_and_a_date(self) -> None:
        one = read(text="Words alone.", keywords="Israel", title=None)
        assert (one.id, one.when, one.keywords, one.title, one.language) == ("line 7", NOW, (), "", "en")

    def test_wrong_types_are_taken_as_text(self) -> None:
        assert read(title=5, text="Words", date=None).title == "5"
        assert read(title={"a": 1}, text="Words").title == ""

    @pytest.mark.parametrize("record", [{}, {"title": " ", "text": "\n"}, {"text": 0.0, "title": []}])
    def test_without_words_it_cannot_be_judged(self, record: dict[str, Any]) -> None:
        with pytest.raises(InputError, match="cannot judge"):
            read(**record)

    @pytest.mark.parametrize("text", ["\x00\x01\x02" * 500, "0110 1001 " * 90, "☃☃☃ ☃☃☃", "\ufffd" * 60 + "ab"])
    def test_bytes_and_numbers_are_no_text(self, text: str) -> None:
        with pytest.raises(InputError, match="cannot judge"):
            read(text=text)

    def test_a_text_of_ten_megabytes_is_cut(self) -> None:
        one = read(text="China and Israel signed. " * 400_000)
        assert sum(map(len, one.paragraphs)) <= LONGEST
        one = read(text="China and Israel signed.\n" * 400_000)
        assert sum(map(len, one.paragraphs)) <= LONGEST

    def test_markup_is_taken_away_and_a_symbol_is_none(self) -> None:
        assert paragraphs_of("<div><p>One &amp; two.</p><script>x()</script><p>Three.</p></div>") == (
            "One & two.",
            "Three.",
        )
        assert read(title="COBANCO INC <CBCO> YEAR NET", text="a").title == "COBANCO INC <CBCO> YEAR NET"
        assert read(title="<b>Rain</b> falls", text="a").title == "Rain falls"

    @pytest.mark.parametrize(
        ("garbled", "meant"),
        [
            ("The premier’s visit", "The premier’s visit"),
            ("The premier’s “visit”".encode().decode("latin-1"), "The premier’s “visit”"),
            ("cafÃ© in MÃ¼nchen", "café in München"),
            ("Ãber die Ãbel – â€ is no text", "Ãber die Ãbel – â€ is no text"),
            ("plain", "plain"),
            ("东莞".encode().decode("cp1252", "ignore"), "东莞".encode().decode("cp1252", "ignore")),
        ],
    )
    def test_text_read_as_western_is_read_again(self, garbled: str, meant: str) -> None:
        assert mended(garbled) == meant


class TestAnswers:
    def test_of_a_story_between_two_countries(self, judge: Judge, places: Places) -> None:
        one = read(
            title="Dongguan opens an office in Tel Aviv", text="The office in Israel serves firms of Dongguan, China."
        )
        judgement = judge.judge(one)
        found = json.loads(json.dumps(judged_record("x", one, judgement, places=places, taxonomy=load_taxonomy())))
        assert found["id"] == "x"
        assert found["countries"] == ["CN", "IL"]
        assert found["mentioned"] == ["CN", "IL"]
        city = found["regions"][0]
        assert (city["name"], city["role"], city["country"], city["admin1"]) == (
            "Dongguan",
            "primary",
            "CN",
            "CN/Guangdong",
        )
        assert city["within"] == ["Guangdong", "China", "Eastern Asia", "Asia"]
        assert found["language"] == "en"
        assert found["summary"]

    def test_divisions_are_named_without_their_kind(self, places: Places) -> None:
        of, taxonomy = read(text="Words."), load_taxonomy()

        def division(code: str) -> str:
            tags = (RegionTag(region=code, role=Role.MENTIONED, score=0.1),)
            judgement = Judgement(article=of.uid, regions=tags, themes=(), summary=())
            found: Any = judged_record(1, of, judgement, places=places, taxonomy=taxonomy)
            assert found["countries"] == []
            return str(found["regions"][0]["admin1"])

        assert division("US-NY") == "US/New York"
        assert division("g5128581") == "US/New York"
        assert division("GB-CON") == "GB/England"
        assert division("CN") == ""
        assert division("142") == ""
        assert division("x-gba") == ""
