"""What there is: the publication, its digests, themes and regions; how things stand; whose token this is; the feeds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from digest.app import App, version
from digest.errors import StoreError
from digest.model import Permission
from digest.standing import Standing
from digest.web.api.callers import Caller
from digest.web.api.problems import Problem
from digest.web.api.routing import Routes
from digest.web.api.shapes import Words


class Index(BaseModel):
    """Where to begin."""

    title: str
    version: str
    openapi: str
    docs: str
    health: str


class Health(BaseModel):
    """Whether the store answers, and whether this installation sends."""

    status: str
    sending: str = Field(description="ok, or why nothing is sent.")


class SectionLine(BaseModel):
    """A heading of a digest."""

    key: str
    names: dict[str, str]


class DigestLine(BaseModel):
    """A recurring report."""

    key: str
    title: str
    frequency: str
    approval: str
    template: str
    sections: list[SectionLine]


class ThemeLine(BaseModel):
    """A theme."""

    id: str
    names: dict[str, str]


class RegionLine(BaseModel):
    """A region."""

    code: str
    name: str
    within: list[str]


class TokenBody(BaseModel):
    """Whose token this is, and what it may do."""

    token: int
    name: str
    operator: str
    role: str
    scopes: list[str] = Field(description="What the token and its owner's role both allow.")
    created: datetime
    expires: datetime | None


class FeedBody(BaseModel):
    """A feed as it was last published."""

    group: str
    path: str
    title: str
    address: str
    entries: int
    pages: int
    updated: datetime | None


def add_routes(routes: Routes, app: App) -> None:
    """What there is."""
    base = f"{app.settings.publication.url}/api/v1"

    @routes.get("/", None, tags=["about"])
    def index() -> Index:
        """Where to begin."""
        return Index(
            title=app.settings.publication.title,
            version=version(),
            openapi=f"{base}/openapi.json",
            docs=f"{base}/docs",
            health=f"{base}/health",
        )

    @routes.get("/health", None, tags=["about"])
    def health() -> Health:
        """Whether the store answers with the tables of this version; 503 where it does not."""
        try:
            if not app.store.is_current():
                raise Problem("unavailable", "The store has tables of another version.", "start the newer program")
        except StoreError as error:
            raise Problem("unavailable", "The store does not answer.", "try again in a minute") from error
        return Health(status="ok", sending="not armed" if app.unarmed() else "ok")

    @routes.get("/me", Permission.DESK_READ, tags=["about"])
    def get_token(visit: Caller) -> TokenBody:
        """Whose token this is, and what it may do."""
        token = visit.token
        if token is None:
            raise Problem("unauthenticated", "This is no token.")
        return TokenBody(
            token=token.id,
            name=token.name,
            operator=visit.operator.address,
            role=visit.operator.role.value,
            scopes=sorted(visit.permissions),
            created=token.created,
            expires=token.expires,
        )

    @routes.get("/status", Permission.DESK_READ, tags=["about"])
    def get_status() -> Standing:
        """How things stand: what is due, what waits, queues, sources, problems. As `digest status --json`."""
        return app.standing(count=2)

    @routes.get("/digests", Permission.EDITIONS_READ, tags=["about"])
    def list_digests() -> list[DigestLine]:
        """The digests, with the keys of their sections."""
        return [
            DigestLine(
                key=rule.key,
                title=rule.title,
                frequency=rule.frequency,
                approval=rule.approval,
                template=rule.template,
                sections=[SectionLine(key=one.key, names=dict(one.names)) for one in rule.sections],
            )
            for rule in app.settings.digests
        ]

    @routes.get("/themes", Permission.ARTICLES_READ, tags=["about"])
    def list_themes() -> list[ThemeLine]:
        """The themes, by id."""
        return [ThemeLine(id=theme.id, names=dict(theme.names)) for theme in app.taxonomy]

    @routes.get("/regions", Permission.ARTICLES_READ, tags=["about"])
    def find_region(
        name: Annotated[Words, Query(description="A code or a name: CN-GD, Guangdong, 广东.")] = "",
    ) -> list[RegionLine]:
        """The region of a code or a name, with those in which it lies; none where nothing is called so."""
        place = app.places.resolve(name) if name.strip() else None
        if place is None:
            return []
        return [
            RegionLine(code=place.code, name=app.places.name(place.code), within=list(app.places.parents(place.code)))
        ]

    @routes.get("/feeds", Permission.EDITIONS_READ, tags=["about"])
    def list_feeds() -> list[FeedBody]:
        """Every feed as it was last published."""
        names = FeedBody.model_fields
        return [FeedBody(**{name: getattr(one, name) for name in names}) for one in app.press.lines()]
