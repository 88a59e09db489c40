"""classify, stories and extract as a script uses them: lines in, lines out, and a bad line costs itself."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from digest.cli import run

ROOT = Path(__file__).parents[2]
SEED = ROOT / "seeds" / "000_634055cfa7829ccb.txt"


class Shell:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self._patch = monkeypatch
        self._capture = capture

    def __call__(self, *arguments: str, given: bytes = b"", code: int = 0) -> list[Any]:
        self._patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
        assert run(["-C", str(ROOT), *arguments]) == code
        self.out, self.err = self._capture.readouterr()
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def lines(*records: object) -> bytes:
    return b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in records) + b"\n"


def test_classify_answers_each_line(shell: Shell) -> None:
    found = shell(
        "classify",
        "--jsonl",
        given=lines(
            {
                "id": 1,
                "title": "Peru sells copper to Chile",
                "text": "Peru sold it.\nChile paid.",
                "date": "2018-07-20",
            },
            b"nonsense",
            b"",
            {"id": "empty", "title": "", "text": ""},
            {"id": "bytes", "text": "\x00\x01" * 80},
            {"id": 2, "title": "上海自贸区扩大开放", "text": "上海自贸区今天宣布扩大开放。"},
        ),
    )
    assert [one["id"] for one in found] == [1, None, "empty", "bytes", 2]
    assert found[0]["countries"] == ["PE", "CL"]
    assert found[0]["themes"][0].keys() == {"theme", "name", "score"}
    assert [found[1]["line"], found[2]["line"]] == [2, 4]
    assert all(one["error"] and one["remedy"] for one in found[1:4])
    assert found[4]["language"] == "zh"
    assert found[4]["countries"] == ["CN"]


def test_stories_are_named_by_the_article_that_came_first(shell: Shell, tmp_path: Path) -> None:
    text = "The town of Aldmere will build a bridge for cyclists over the river Wend next spring, the council said."
    file = tmp_path / "articles.jsonl"
    file.write_bytes(
        lines(
            {"id": "b", "title": "A bridge for Aldmere", "text": text, "date": "2018-07-20T10:00:00Z"},
            b"[]",
            {"id": "a", "title": "Bridge", "text": text, "date": "2018-07-20T09:00:00Z"},
            {"id": "c", "title": "Otters arrive", "text": "Norburg's zoo has bought two otters from a breeder."},
        )
    )
    found = shell("stories", "--jsonl", str(file))
    assert [(one["id"], one.get("story")) for one in found if "error" not in one] == [
        (one, one if one == "c" else found[0]["story"]) for one in ("b", "a", "c")
    ]
    assert found[1]["error"]


def test_stories_are_told_at_once(shell: Shell, tmp_path: Path) -> None:
    text = "The town of Aldmere will build a bridge for cyclists over the river Wend next spring, the council said."
    file = tmp_path / "articles.jsonl"
    file.write_bytes(
        lines(
            {"id": "b", "title": "A bridge for Aldmere", "text": text, "date": "2018-07-20T10:00:00Z"},
            b"[]",
            {"id": "c", "title": "Otters arrive", "text": "Norburg's zoo has bought two otters from a breeder."},
            {"id": "a", "title": "Bridge", "text": text, "date": "2018-07-20T11:00:00Z"},
        )
    )
    found = shell("stories", "--jsonl", "--at-once", str(file))
    assert [(one["id"], one.get("story")) for one in found] == [("b", "b"), (None, None), ("c", "c"), ("a", "b")]


def test_stories_want_their_form_said(shell: Shell) -> None:
    shell("stories", code=2)


def test_extract_reads_html_and_text(shell: Shell) -> None:
    sentence = "The river rose by two metres in one night, and the town closed both of its bridges until Friday. "
    page = f"<html><head><title>River</title></head><body><nav>Home</nav><article><h1>River rises</h1><p>{sentence * 3}</p><p>{sentence * 2}</p></article></body></html>"
    found = shell(
        "extract",
        "--jsonl",
        given=lines(
            {"id": 1, "html": page}, {"id": 2, "text": SEED.read_text("utf-8")}, {"id": 3}, {"id": 4, "text": "Menu"}
        ),
    )
    assert [one["id"] for one in found] == [1, 2, 3, 4]
    assert "two metres" in found[0]["text"]
    assert "Home" not in found[0]["text"]
    assert "Dongguan" in found[1]["title"] + found[1]["text"]
    assert "error" in found[2]
    assert "error" in found[3]


def test_one_document_from_standard_input(shell: Shell) -> None:
    shell("classify", "-", given=SEED.read_bytes())
    assert "Dongguan" in shell.out
    (found,) = shell("extract", "--json", given=SEED.read_bytes())
    assert found["section"]
    shell("extract", str(SEED))
    assert "keywords" in shell.out


def test_a_file_that_is_not_there_is_told(shell: Shell) -> None:
    shell("classify", "--jsonl", "no-such-file.jsonl", code=1)
    assert "no-such-file.jsonl" in shell.err


def test_a_line_too_long_to_hold_is_passed_over(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.cli.classify._LONGEST_LINE", 200)
    found = shell("extract", "--jsonl", given=lines({"id": 1, "text": "x" * 900}, {"id": 2}))
    assert [(one["id"], one["line"]) for one in found] == [(None, 1), (2, 2)]
