"""kill -9 while an audience is frozen, again and again: everybody is in it once, and the counts are right."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.model import DeliveryState
from digest.store import Store
from digest.store.database import Database
from digest.store.schema import deliveries, subscriptions
from tests.store.conftest import MakeUrl
from tests.store.samples import NOW, make_article, make_edition, message_id, readers

ID = "weekly-2018-W29"
READERS = 20_000
KILLS = 12
_FREEZES = """
import sys
from digest.store import Store, freezing
from tests.store.samples import NOW, message_id

freezing.PAGE = 100
with Store.open(sys.argv[1]) as store:
    print("begins", flush=True)
    store.campaigns.start("weekly-2018-W29", message_id, NOW)
"""


@pytest.mark.heavy  # one kill on either database is in tests/store/test_freezing.py
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_again_and_again_everybody_is_frozen_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    make: MakeUrl | None = request.getfixturevalue("postgresql") if kind == "postgresql" else None
    url = make("freezing") if make else f"sqlite:///{tmp_path / 'digest.sqlite3'}"
    with Store.open(url) as store:
        store.migrate(site="freezing", now=NOW)
        store.subscribers.put(readers(READERS), NOW)
        revision = store.editions.prepare(make_edition(articles=[make_article()]), {}, NOW).revision
        store.editions.approve(ID, revision.hash, "operator", NOW)
        store.campaigns.begin(ID, NOW)
        chance, far = random.Random(1), [0]
        for _ in range(KILLS):
            with subprocess.Popen(
                [sys.executable, "-c", _FREEZES, url],
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": "."},
            ) as process:
                assert process.stdout is not None
                process.stdout.readline()
                until, limit = far[-1] + chance.randrange(1, READERS // KILLS), time.monotonic() + 60
                while store.campaigns.get(ID).audience < until and time.monotonic() < limit:
                    time.sleep(chance.random() / 1000)
                process.send_signal(signal.SIGKILL)
            campaign = store.campaigns.get(ID)
            far.append(campaign.audience)
            assert not campaign.whole or campaign.audience == READERS
            assert store.campaigns.tally(ID) == store.campaigns.recount(ID)
            assert sum(store.campaigns.tally(ID).values()) == campaign.audience
        assert len(set(far)) > KILLS // 2  # most died in the middle of it
        campaign = store.campaigns.start(ID, message_id, NOW)
        assert (campaign.whole, campaign.audience) == (True, READERS)
        assert store.campaigns.tally(ID)[DeliveryState.QUEUED] == READERS
    with closing(Database(url)) as database, database.reading() as connection:
        frozen = sa.select(deliveries.c.subscription)
        left_out = sa.select(sa.func.count()).where(subscriptions.c.id.not_in(frozen))
        assert connection.scalar(left_out) == 0
        assert connection.scalar(sa.select(sa.func.count(sa.distinct(deliveries.c.key)))) == READERS
