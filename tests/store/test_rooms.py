"""What holds for all rooms of the store."""

from __future__ import annotations

from pathlib import Path

import digest.store


def test_who_reads_copies_folds_the_logbook_first() -> None:
    """Between two walks of the queue the rows of copies are behind: each room of the store that asks for them folds."""
    rooms = Path(digest.store.__file__).parent
    behind = {  # those that keep the rows, write them, or only count those of other campaigns by their numbers
        "schema", "ledger", "logbook", "claiming", "recording", "ranges", "leases", "received",
    }  # fmt: skip
    for path in sorted(rooms.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.stem not in behind and "deliveries.c." in text:
            assert "fold_all(" in text, f"{path.name} reads deliveries and does not fold"
