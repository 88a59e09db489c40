"""Filing rules, in their order."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from digest.errors import NotFound
from digest.model import FilingRule
from digest.store.database import Database
from digest.store.payload import Payload
from digest.store.schema import filing_rules

_RULE: Final[Payload[FilingRule]] = Payload(FilingRule)


class FilingRules:
    """`all`, `get`, `keep`, `switch`, `move`, `drop`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[FilingRule, ...]:
        """Every rule, those too that are switched off, in their order: there are few."""
        query = sa.select(filing_rules).order_by(filing_rules.c.place, filing_rules.c.id)
        with self._database.reading() as connection:
            return tuple(
                replace(_RULE.load(row.payload), id=row.id, live=row.live, by=row.by)
                for row in connection.execute(query)
            )

    def get(self, number: int) -> FilingRule:
        """A rule by its number.

        Raises:
            NotFound: there is none.
        """
        for rule in self.all():
            if rule.id == number:
                return rule
        raise NotFound("filing rule", str(number))

    def keep(self, rule: FilingRule, by: str, at: datetime) -> FilingRule:
        """Keep a new rule below the others, or change the one of this number.

        Raises:
            NotFound: there is none of this number.
        """
        values = {"payload": _RULE.dump(replace(rule, id=0, live=True, by="")), "live": rule.live, "by": by, "at": at}
        with self._database.transaction() as connection:
            self._database.serialize(filing_rules)
            if rule.id:
                changed = connection.execute(
                    sa.update(filing_rules).where(filing_rules.c.id == rule.id).values(values)
                ).rowcount
                if not changed:
                    raise NotFound("filing rule", str(rule.id))
                return self.get(rule.id)
            last = connection.scalar(sa.select(sa.func.max(filing_rules.c.place))) or 0
            number = connection.scalar(
                sa.insert(filing_rules).values(place=last + 1, **values).returning(filing_rules.c.id)
            )
        return self.get(int(number or 0))

    def switch(self, number: int, *, live: bool) -> None:
        """Apply a rule, or do not.

        Raises:
            NotFound: there is none of this number.
        """
        with self._database.transaction() as connection:
            statement = sa.update(filing_rules).where(filing_rules.c.id == number).values(live=live)
            if not connection.execute(statement).rowcount:
                raise NotFound("filing rule", str(number))

    def move(self, number: int, place: int) -> None:
        """Put a rule at a place in their order, from 1.

        Raises:
            NotFound: there is none of this number.
        """
        with self._database.transaction() as connection:
            self._database.serialize(filing_rules)
            order = [rule.id for rule in self.all()]
            if number not in order:
                raise NotFound("filing rule", str(number))
            order.remove(number)
            order.insert(max(place - 1, 0), number)
            for now, one in enumerate(order, 1):
                connection.execute(sa.update(filing_rules).where(filing_rules.c.id == one).values(place=now))

    def drop(self, number: int) -> None:
        """Forget a rule.

        Raises:
            NotFound: there is none of this number.
        """
        with self._database.transaction() as connection:
            if not connection.execute(sa.delete(filing_rules).where(filing_rules.c.id == number)).rowcount:
                raise NotFound("filing rule", str(number))
