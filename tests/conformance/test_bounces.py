"""flufl.bounce's own corpus, read by us. It lies outside this repository: DIGEST_BOUNCE_CORPUS names its folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.bounces import measure
from tests.deliver.returned import AWAY, COMPLAINT


@pytest.mark.heavy
def test_every_address_of_the_reference_corpus_is_found(tmp_path: Path) -> None:
    named = os.environ.get("DIGEST_BOUNCE_CORPUS", "")
    if not named:
        pytest.skip("DIGEST_BOUNCE_CORPUS is not set (unpack flufl.bounce's source distribution, and name its folder)")
    (tmp_path / "away").write_text(AWAY.format(to="a@example.com"))
    (tmp_path / "complaint").write_text(COMPLAINT.format(feedback="abuse", path="x", header="X: y"))
    found = measure(Path(named), tmp_path)
    assert found["addresses"] == found["of"] == 133
    assert found["with_a_mark_of_ours"] == found["harmless_counted"] == 0
    assert found["hard_though_they_speak_of_our_fault"] == 0
