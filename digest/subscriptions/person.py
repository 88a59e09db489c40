"""One person: their address, added, left, removed by an operator; and why they got no mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from email_validator import EmailNotValidError, validate_email

from digest.errors import AddressError, NotFound
from digest.model import Consent, Preferences, Subscription, SubscriptionState
from digest.store import Fate, Store, Wanted

NAME_LIMIT: Final = 200  # characters
BY_LINK: Final = "unsubscribed"  # the reason of those who left by themselves: only they are offered an undo


def read_address(text: str) -> str:
    """The address as it is written to: the local part as given, the domain in small ASCII letters (IDNA 2008).

    Raises:
        AddressError: it is not one address (RFC 5322, addr-spec without quoting), is longer than 254 characters, or
            has letters before the @ that only SMTPUTF8 (RFC 6531) could carry.
    """
    given = text.strip(" ")
    shown = "".join(char if char.isprintable() else "\ufffd" for char in given[:80])
    if not given.isprintable() or " " in given:
        raise AddressError(f"'{shown}' has spaces or control characters", remedy="give one plain address")
    if given.count("@") != 1:
        raise AddressError(f"'{shown}' is not an address", remedy="write it as name@example.org")
    if not given.partition("@")[0].isascii():
        raise AddressError(
            f"'{shown}' has letters before the @ that most mail servers cannot carry", remedy="use an ASCII address"
        )
    try:
        found = validate_email(given, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError as error:
        raise AddressError(f"'{shown}' is not an address: {error}", remedy="correct it") from None
    return f"{found.local_part}@{found.ascii_domain}"


def add(
    store: Store,
    address: str,
    digests: Sequence[str],
    *,
    consent: Consent,
    now: datetime,
    name: str = "",
    preferences: Preferences | None = None,
) -> dict[str, Fate]:
    """Subscribe a person to digests, or bring their name and preferences up to date; what became of each digest.

    Raises:
        AddressError: the address cannot be written to.
    """
    wanted = [
        Wanted(
            address=read_address(address),
            digest=digest,
            consent=consent,
            name=clean_name(name),
            preferences=preferences or Preferences(),
        )
        for digest in digests
    ]
    return dict(zip(digests, store.subscribers.put(wanted, now), strict=True))


def leave(store: Store, subscription: int, now: datetime, reason: str = BY_LINK) -> Subscription:
    """End one subscription, as its owner asks; nothing happens when it has ended already.

    Raises:
        NotFound: there is no such subscription.
    """
    return store.subscribers.change(subscription, SubscriptionState.ENDED, now, reason)


def remove(
    store: Store, address: str, now: datetime, *, digest: str = "", reason: str = "removed by an operator"
) -> tuple[Subscription, ...]:
    """End the subscriptions of an address: to one digest, or to all. Those that had not ended yet.

    Raises:
        NotFound: the address has no subscription (to this digest).
    """
    with store.transaction():
        found = [one for one in store.subscribers.of(address) if digest in {"", one.digest}]
        if not found:
            raise NotFound("subscriber", address, "`digest subscribers list` shows them")
        running = [one for one in found if one.state != SubscriptionState.ENDED]
        return tuple(leave(store, one.id, now, reason) for one in running)


def why(store: Store, address: str, limit: int = 20) -> tuple[str, ...]:
    """In sentences: what is known of an address, and why it got or did not get its copies; the newest last."""
    sentences = []
    suppression = store.subscribers.suppression(address)
    if suppression is not None:
        evidence = f" ({suppression.evidence})" if suppression.evidence else ""
        sentences.append(f"suppressed since {suppression.at:%Y-%m-%d}: {suppression.cause}{evidence}")
    subscriptions = store.subscribers.of(address)
    if not subscriptions:
        sentences.append("no subscriber has this address")
    for one in subscriptions:
        basis = f"; consent of {one.consent.at:%Y-%m-%d}: {one.consent.basis}" if one.consent else ""
        sentences.append(f"{one.digest}: {one.state}{basis}")
    deliveries = store.campaigns.deliveries(address=address, limit=10_000)[-limit:]
    if not deliveries:
        sentences.append("no copy was ever meant for this address")
    for delivery in deliveries:
        when = f" on {delivery.finished_at:%Y-%m-%d %H:%M} UTC" if delivery.finished_at else ""
        because = ", ".join(part for part in (delivery.reason, delivery.reply) if part)
        sentences.append(f"{delivery.edition}: {delivery.state}{when}" + (f": {because}" if because else ""))
    return tuple(sentences)


def printable(text: str) -> bool:
    """No control characters or line breaks; the joiners of Persian and Indic names are letters to their owners."""
    return text.replace("\u200c", "").replace("\u200d", "").isprintable()


def clean_name(name: str) -> str:
    """A name on one line, without control characters."""
    return "".join(char if printable(char) else " " for char in name).strip()[:NAME_LIMIT]
