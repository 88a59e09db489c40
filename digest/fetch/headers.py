"""Header fields, written and read (RFC 9110, RFC 9111)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def user_agent(title: str, url: str, version: str) -> str:
    """Who we are, for those whose servers we ask: "Digest/0.1 (China Opportunity Weekly; +https://...)"."""
    about = "; ".join(part for part in (_ascii(title), f"+{_ascii(url)}" if url else "") if part)
    return f"Digest/{_ascii(version)} ({about})" if about else f"Digest/{_ascii(version)}"


def _ascii(text: str) -> str:
    kept = "".join(char if " " <= char <= "~" and char not in "()\\" else " " for char in text)
    return " ".join(kept.split())[:120]


def retry_after(value: str, now: datetime) -> timedelta | None:
    """Retry-After as a length of time: seconds, or a date (RFC 9110, 10.2.3); None when it is absent or nonsense."""
    value = value.strip()
    if re.fullmatch(r"\d{1,9}", value, re.ASCII):
        return timedelta(seconds=int(value))
    try:
        when = parsedate_to_datetime(value)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(when - now, timedelta())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def max_age(value: str) -> timedelta | None:
    """How long an answer stays fresh by its Cache-Control (RFC 9111, 5.2.2.1); None where it says nothing of use."""
    if re.search(r"\bno-(?:cache|store)\b", value, re.IGNORECASE):
        return None
    match = re.search(r"\bmax-age\s*=\s*\"?(\d{1,9})", value, re.IGNORECASE | re.ASCII)
    return timedelta(seconds=int(match[1])) if match else None


def field(value: str) -> str:
    """A header's value, fit to be sent back or shown."""
    return "".join(char for char in value if " " <= char <= "~" or "\xa0" <= char <= "\ud7ff")[:1000].strip()
