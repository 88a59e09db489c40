"""`digest` on a machine whose clock is wrong: python -m tests.faults.skewed SECONDS ARGUMENTS..."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Self

from digest.__main__ import main
from digest.app import edge

OFFSET = dt.timedelta(seconds=float(sys.argv.pop(1)))


class _Wrong(dt.datetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Self:
        return super().now(tz) + OFFSET


edge.__dict__["datetime"] = _Wrong  # the one clock of the program looks here

if __name__ == "__main__":
    main()
