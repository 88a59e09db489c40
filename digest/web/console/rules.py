"""Filing rules: their list in order, a rule's form, and what it would have changed before it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.responses import Response

from digest.desk import RuleTrial
from digest.errors import InputError, NotFound
from digest.model import FilingCondition, FilingRule, Judgement, Permission, Role
from digest.web.console.frame import Filled, Frame, Visitor
from digest.web.forms import Form

_WORDS: Final = {
    "words": "headline",
    "publishers": "publisher",
    "sources": "source",
    "sections": "section line",
    "keywords": "keyword",
}
_CONDITIONS: Final = tuple(_WORDS)
_FOLLOWS: Final = ("add_themes", "remove_themes", "add_regions", "remove_regions")
_SHOWN: Final = 100  # items of a trial


@dataclass(frozen=True, kw_only=True)
class RuleView:
    """A rule in the list."""

    number: int
    place: int
    name: str
    live: bool
    when: tuple[str, ...]
    then: tuple[str, ...]
    by: str
    href: str
    first: bool
    last: bool


@dataclass(frozen=True, kw_only=True)
class MovedView:
    """An item that a rule would have changed."""

    edition: str
    title: str
    href: str
    then: str
    now: str


def add_pages(frame: Frame) -> None:
    """The pages and acts below /console/articles/rules."""
    pages = _Pages(frame)

    @frame.get("/articles/rules", Permission.ARTICLES_READ)
    def rules(request: Request) -> Response:
        return pages.all(request)

    @frame.get("/articles/rules/new", Permission.ARTICLES_WRITE)
    def new(request: Request) -> Response:
        return pages.new(request)

    @frame.get("/articles/rules/{number:int}", Permission.ARTICLES_READ)
    def rule(request: Request, number: int) -> Response:
        return pages.form(request, pages.fields(frame.site.store.filing.get(number)), number)

    @frame.post("/articles/rules", Permission.ARTICLES_WRITE)
    def keep(request: Request, visit: Visitor, form: Filled) -> Response:
        return pages.keep(request, visit, form)

    @frame.post("/articles/rules/{number:int}/switch", Permission.ARTICLES_WRITE)
    def switch(visit: Visitor, form: Filled, number: int) -> Response:
        live = form.one("live") == "yes"
        frame.site.app.newsroom.switch_rule(number, live=live, by=visit.actor)
        return frame.redirect("/articles/rules", done="The rule is applied." if live else "The rule rests.")

    @frame.post("/articles/rules/{number:int}/move", Permission.ARTICLES_WRITE)
    def move(visit: Visitor, form: Filled, number: int) -> Response:
        place = int(form.one("place")) if form.one("place").isdecimal() else 1
        frame.site.app.newsroom.move_rule(number, place, by=visit.actor)
        return frame.redirect("/articles/rules", done="The order is changed.")

    @frame.post("/articles/rules/{number:int}/drop", Permission.ARTICLES_WRITE)
    def drop(visit: Visitor, number: int) -> Response:
        frame.site.app.newsroom.drop_rule(number, by=visit.actor)
        return frame.redirect("/articles/rules", done="The rule is gone; what it held stays held.")


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._app = frame.site.app

    def all(self, request: Request) -> Response:
        """Every rule, in their order."""
        rules = self._app.newsroom.rules()
        rows = [
            RuleView(
                number=rule.id,
                place=place,
                name=rule.name,
                live=rule.live,
                when=tuple(
                    f"{_WORDS[name]}: {text}" for name, text in self.fields(rule).items() if name in _WORDS and text
                ),
                then=tuple(self._follows(rule)),
                by=rule.by,
                href=self._frame.path(f"/articles/rules/{rule.id}"),
                first=place == 1,
                last=place == len(rules),
            )
            for place, rule in enumerate(rules, 1)
        ]
        context = {
            "rows": rows,
            "new": self._frame.path("/articles/rules/new"),
            "base": self._frame.path("/articles/rules"),
            "back": self._frame.path("/articles"),
        }
        return self._frame.page(request, "rules.html", context, here="articles")

    def _follows(self, rule: FilingRule) -> list[str]:
        names = self._app.taxonomy.name
        found = [f"files under {names(theme)}" for theme in rule.add_themes]
        found += [f"takes {names(theme)} away" for theme in rule.remove_themes]
        found += [f"{self._region(code)} as {role}" for code, role in rule.add_regions.items()]
        found += [f"takes {self._region(code)} away" for code in rule.remove_regions]
        return [*found, "holds it"] if rule.hold else found

    def _region(self, code: str) -> str:
        return self._app.places.name(code) if self._app.places.find(code) else code

    # ---- one rule

    def fields(self, rule: FilingRule) -> dict[str, str]:
        """A rule as its form has it."""
        return {
            "name": rule.name,
            **{name: ", ".join(getattr(rule.when, name)) for name in _CONDITIONS},
            "add_themes": ", ".join(rule.add_themes),
            "remove_themes": ", ".join(rule.remove_themes),
            "add_regions": ", ".join(f"{code} {role}" for code, role in rule.add_regions.items()),
            "remove_regions": ", ".join(rule.remove_regions),
            "hold": "on" if rule.hold else "",
            "live": "on" if rule.live else "",
        }

    def new(self, request: Request) -> Response:
        """An empty form; or one that is filled from an article and what an editor said of it."""
        uid = request.query_params.get("article", "")
        if not uid:
            return self.form(request, {"live": "on"}, 0)
        look = self._app.newsroom.look(uid)
        article, judgement = look.article, look.judgement
        said = {tag.theme for tag in judgement.themes} if judgement else set()
        told = [
            tag
            for tag in (judgement.regions if judgement else ())
            if any(one.where == "operator" for one in tag.evidence)
        ]
        fields = {
            "name": f"Like “{article.title[:60]}”",
            "words": "",
            "publishers": article.publisher,
            "sources": "" if article.publisher else article.source,
            "sections": article.section,
            "keywords": "",
            "add_themes": ", ".join(sorted(said)),
            "add_regions": ", ".join(f"{tag.region} {tag.role.value}" for tag in told),
            "live": "on",
        }
        return self.form(request, fields, 0, about=article.title)

    def form(
        self,
        request: Request,
        fields: Mapping[str, str],
        number: int,
        *,
        about: str = "",
        problem: str = "",
        trial: RuleTrial | None = None,
    ) -> Response:
        """The form, with what the rule would have changed once that was asked for."""
        moved = [
            MovedView(
                edition=one.edition,
                title=one.article.title,
                href=self._frame.path(f"/articles/{one.article.uid}"),
                then=self._where(one.then),
                now="held" if one.held else self._where(one.now),
            )
            for one in (trial.moved[:_SHOWN] if trial else ())
        ]
        context = {
            "fields": {name: fields.get(name, "") for name in ("name", *_CONDITIONS, *_FOLLOWS, "hold", "live")},
            "number": number,
            "about": about,
            "problem": problem,
            "trial": trial,
            "moved": moved,
            "waiting": [
                (one.title, self._frame.path(f"/articles/{one.uid}"), self._frame.time(one.when))
                for one in (trial.waiting[:_SHOWN] if trial else ())
            ],
            "taxonomy": ", ".join(theme.id for theme in self._app.taxonomy),
            "keep": self._frame.path("/articles/rules"),
            "back": self._frame.path("/articles/rules"),
        }
        return self._frame.page(request, "rule.html", context, here="articles", status=422 if problem else 200)

    def _where(self, judgement: Judgement) -> str:
        about = [self._region(code) for code in judgement.places(Role.PRIMARY, Role.COUNTERPART)]
        themes = [self._app.taxonomy.name(tag.theme) for tag in judgement.themes]
        return f"{' – '.join(about) or 'no place'}; {', '.join(themes) or 'no theme'}"

    def keep(self, request: Request, visit: Visitor, form: Form) -> Response:
        """Try a rule, or keep it; what is wrong with it stands above the form, which keeps what was filled in."""
        names = ("name", *_CONDITIONS, *_FOLLOWS, "hold", "live")
        fields = {name: form.one(name) for name in names}
        number = int(form.one("number")) if form.one("number").isdecimal() else 0
        try:
            rule = self._rule(fields, number)
            if form.one("step") != "keep":
                return self.form(request, fields, number, trial=self._app.newsroom.try_rule(rule))
            kept = self._app.newsroom.keep_rule(rule, by=visit.actor)
        except InputError as error:
            return self.form(request, fields, number, problem=f"{error.what}: {error.remedy}")
        except NotFound as error:
            return self.form(request, fields, number, problem=f"There is no {error.noun} “{error.key}”.")
        return self._frame.redirect("/articles/rules", done=f"“{kept.name}” is kept, and applied to the last weeks.")

    def _rule(self, fields: Mapping[str, str], number: int) -> FilingRule:
        """The rule that a form says.

        Raises:
            NotFound: a theme or region of it does not exist.
        """
        add: dict[str, Role] = {}
        for text in _listed(fields["add_regions"]):
            name, _, role = text.rpartition(" ")
            known = name and role in set(Role)
            add[self._code(name if known else text)] = Role(role) if known else Role.PRIMARY
        return FilingRule(
            id=number,
            name=fields["name"].strip(),
            when=FilingCondition(**{name: _listed(fields[name]) for name in _CONDITIONS}),
            add_themes=tuple(map(self._theme, _listed(fields["add_themes"]))),
            remove_themes=tuple(map(self._theme, _listed(fields["remove_themes"]))),
            add_regions=add,
            remove_regions=tuple(map(self._code, _listed(fields["remove_regions"]))),
            hold=bool(fields["hold"]),
            live=bool(fields["live"]),
        )

    def _code(self, text: str) -> str:
        place = self._app.places.resolve(text)
        if place is None:
            raise NotFound("region", text)
        return place.code

    def _theme(self, text: str) -> str:
        found = self._app.taxonomy.resolve(text)
        if found is None:
            raise NotFound("theme", text)
        return found.id


def _listed(text: str) -> tuple[str, ...]:
    """Values that commas or lines part, each once."""
    parts = (" ".join(part.split()) for part in text.replace("，", ",").replace("\n", ",").split(","))
    return tuple(dict.fromkeys(part for part in parts if part))
