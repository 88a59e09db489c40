"""Where sentences end."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.classify.sentences import split_sentences
from tests.growth import STEP, assert_linear

CASES = [
    ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
    ("The U.S. dollar rose 3.5 percent. It fell.", ["The U.S. dollar rose 3.5 percent.", "It fell."]),
    ("Exports to the U.S. The rest stayed.", ["Exports to the U.S.", "The rest stayed."]),
    ("Mr. Hale met Dr. Orr in St. Ives. They spoke.", ["Mr. Hale met Dr. Orr in St. Ives.", "They spoke."]),
    ("J. P. Orr Co. Limited won. Yes.", ["J. P. Orr Co. Limited won.", "Yes."]),
    ("Orr sold Hale Inc. The price is not known.", ["Orr sold Hale Inc.", "The price is not known."]),
    ("Pier No. 5 is open. The answer is no. It stays.", ["Pier No. 5 is open.", "The answer is no.", "It stays."]),
    ("It opens at 9 a.m. on Monday. At 5 p.m. it shuts.", ["It opens at 9 a.m. on Monday.", "At 5 p.m. it shuts."]),
    (
        '"We go. We win," she said. "Really?" he asked. Off.',
        ['"We go. We win," she said.', '"Really?" he asked.', "Off."],
    ),
    ("“We go. We win.” They left.", ["“We go. We win.”", "They left."]),
    ("He paused (see p. 3. It is long) and left. Then.", ["He paused (see p. 3. It is long) and left.", "Then."]),
    ('"It never closes. So it is cut.', ['"It never closes.', "So it is cut."]),
    ("A (bracket “quoted. Still” open. Next.", ["A (bracket “quoted. Still” open.", "Next."]),
    ("“A (lost bracket” ends. Next.", ["“A (lost bracket” ends.", "Next."]),
    ("Well... It rained… and then… Snow fell.", ["Well...", "It rained… and then…", "Snow fell."]),
    ("There was peace.Until now it held.", ["There was peace.", "Until now it held."]),
    ("See www.example.com/News.Item or mail@example.Com today. Bye.", None),
    ("The answer. is unclear.", ["The answer. is unclear."]),
    ("It was plan B. It failed.", ["It was plan B.", "It failed."]),
    ("He met X. Orr there.", ["He met X. Orr there."]),
    ("他来了。她走了！真的吗？是。", ["他来了。", "她走了！", "真的吗？", "是。"]),
    ("“好的。我们支持。”他说。其他人同意。", ["“好的。我们支持。”他说。", "其他人同意。"]),
    ("约3.5万人参加……结果很好。", ["约3.5万人参加……", "结果很好。"]),
    ("“是吗？”，她问。好。", ["“是吗？”，她问。", "好。"]),
    ("   Spaces around. Here too.   ", ["Spaces around.", "Here too."]),
    ("", []),
    ("No stop at all", ["No stop at all"]),
    ("He said: U.S.A. Today is big.", ["He said: U.S.A. Today is big."]),
]


@pytest.mark.parametrize(("text", "expected"), [case for case in CASES if case[1] is not None])
def test_sentences(text: str, expected: list[str]) -> None:
    assert list(split_sentences(text)) == expected


def test_an_address_is_not_cut() -> None:
    first, last = split_sentences("See www.example.com/News.Item or write to me@example.Com today. Bye.")
    assert first == "See www.example.com/News.Item or write to me@example.Com today."
    assert last == "Bye."


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet='aA .!?。”“"()…1,U.S', max_size=80))
def test_nothing_is_lost_or_changed(text: str) -> None:
    sentences = split_sentences(text)
    assert "".join("".join(sentences).split()) == "".join(text.split())
    at = 0
    for sentence in sentences:
        assert sentence
        at = text.index(sentence, at) + len(sentence)


@pytest.mark.parametrize("unit", ["U.S. ", "Mr. A. ", "。", "(", '"', "([“", "A.", "!? "])
def test_texts_of_stops_alone_cost_no_more_than_their_length(unit: str) -> None:
    text = unit * 20_000
    assert "".join(split_sentences(text)).replace(" ", "") == text.replace(" ", "")
    assert_linear(split_sentences, unit * (20_000 // STEP), text)
