"""The campaign on the store's own ledger: what the small one of these tests promises, the real one keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.deliver.campaign import run
from digest.deliver.policy import Policy
from digest.deliver.smtp import SMTPTransport, Timeouts
from digest.model import DeliveryState
from digest.store import Store, Wanted
from tests.deliver.server import Rogue
from tests.deliver.test_campaign import make
from tests.store.samples import CONSENT, NOW, make_article, make_edition, message_id

KINDS = [
    "ok-1",
    "ok-2",
    "refuse-1",
    "policy-1",
    "later-1",
    "cut-1",
    "cut-dot-1",
    "spam-1",
    *(f"r{n}" for n in range(40)),
]


@pytest.mark.parametrize("uncertain", ["resend", "hold"])
async def test_each_end_on_the_stores_ledger(tmp_path: Path, uncertain: str) -> None:
    policy = Policy(
        delays=(timedelta(seconds=0.05),),
        linger=timedelta(seconds=5),
        uncertain="hold" if uncertain == "hold" else "resend",
    )
    with Store.open(f"sqlite:///{tmp_path / 'digest.sqlite3'}") as store:
        store.migrate(site="site-1", now=NOW)
        store.subscribers.put(
            [Wanted(address=f"{kind}@example.org", digest="weekly", consent=CONSENT) for kind in KINDS], NOW
        )
        edition = make_edition(articles=[make_article()])
        revision = store.editions.prepare(edition, {"body.html": b"<p>"}, NOW).revision
        store.editions.approve(edition.id, revision.hash, "operator", NOW)
        store.campaigns.start(edition.id, message_id, NOW)
        async with Rogue() as server:
            transport = SMTPTransport("127.0.0.1", server.port, sessions=3, timeouts=Timeouts(command=2, final=2))
            for _ in range(2):  # the second finds nothing to do
                report = await run(
                    store.campaigns.ledger(edition.id),
                    transport,
                    make,
                    clock=lambda: datetime.now(UTC),
                    policy=policy,
                    revision=1,
                )
        assert report.complete
        assert report.accepted == (0 if uncertain == "hold" else report.accepted)
        rows = {row.address.partition("@")[0]: row for row in store.campaigns.deliveries(edition.id)}
        assert {kind for kind, row in rows.items() if row.state is DeliveryState.REFUSED} == {
            "refuse-1",
            "policy-1",
            "spam-1",
        }
        held = {kind for kind, row in rows.items() if row.state is DeliveryState.UNCERTAIN}
        assert held == ({"cut-dot-1"} if uncertain == "hold" else set())
        assert all(
            row.state is DeliveryState.ACCEPTED
            for kind, row in rows.items()
            if kind.startswith(("r", "ok", "later")) and kind != "refuse-1"
        )
        assert rows["later-1"].attempts == 2
        assert rows["ok-1"].revision == 1
        assert "no such user" in rows["refuse-1"].reply
    arrived = [kept.recipient for kept in server.kept]
    assert len(arrived) - len(set(arrived)) == (0 if uncertain == "hold" else 1)
