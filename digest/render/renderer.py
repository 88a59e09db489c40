"""Editions and notices in, subjects and bodies out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from digest.clean import plain
from digest.errors import TemplateError
from digest.model import Copy, Edition, Length, Publication, Theme
from digest.places import Places
from digest.render.inline import check_stylesheet, inline
from digest.render.language import CATALOGUES, Language, Languages
from digest.render.pages import PageViewer
from digest.render.personal import Body, Field, Marks, Reader
from digest.render.templates import Templates
from digest.render.text import isolate, shorten
from digest.render.view import EditionView, Viewer, publication_view

_SUBJECT = 150  # columns; most clients show 40 to 70
_BODIES = 64  # distinct selections kept at hand, about 150 KB each


class Renderer:
    """Renders with the templates and catalogues as they were when it was made; make another one to see changes.

    A mail `name` is the folder templates/email/<name>/ with subject.txt, body.txt and body.html; docs/templates.md says
    what each template is given.
    """

    def __init__(
        self,
        *,
        publication: Publication,
        template_folders: Sequence[Path],
        locale_folder: Path,
        places: Places,
        themes: Mapping[str, Theme],
        token: Callable[[], str],
        edition_url: Callable[[str], str] | None = None,
        frozen: Mapping[str, bytes] | None = None,
    ) -> None:
        """Read templates and catalogues.

        Args:
            publication: who publishes.
            template_folders: a publication's own overrides first, the shipped templates last.
            locale_folder: the catalogues of the interface's texts.
            places: for the names of regions.
            themes: the taxonomy, by id.
            token: a new random word at each call, 16 to 40 of a-z and 0-9: `lambda: secrets.token_hex(16)`.
            edition_url: the address of an edition's online view by its id; `<publication.url>/editions/<id>` if None.
            frozen: the materials of a revision, which stand for the files of the same names.

        Raises:
            TemplateError: a template or catalogue cannot be read.
        """
        self._publication = publication
        self._folders = tuple(template_folders)
        self._locale_folder = locale_folder
        self._places = places
        self._themes = themes
        self._token = token
        self._edition_url = edition_url or (lambda edition: f"{publication.url}/editions/{edition}")
        self._zone = ZoneInfo(publication.time_zone)
        templates = {name: data for name, data in (frozen or {}).items() if not name.startswith(CATALOGUES)}
        catalogues = {name: data for name, data in (frozen or {}).items() if name.startswith(CATALOGUES)}
        self._templates = Templates(template_folders, templates)
        self._languages = Languages(locale_folder, publication.language, catalogues if frozen else None)
        self._cached_body = lru_cache(maxsize=_BODIES)(self._body)

    def materials(self, template: str) -> dict[str, bytes]:
        """All that shapes a mail besides its content, by name: templates, what they include, stylesheets, catalogues.

        Raises:
            TemplateError: a template is missing or broken.
        """
        names = [f"email/{template}/{part}" for part in ("subject.txt", "body.txt", "body.html")]
        return {**self._templates.sources(names), **self._languages.sources}

    def frozen(self, materials: Mapping[str, bytes]) -> Renderer:
        """A renderer that renders with these materials, whatever the files say today."""
        return Renderer(
            publication=self._publication,
            template_folders=self._folders,
            locale_folder=self._locale_folder,
            places=self._places,
            themes=self._themes,
            token=self._token,
            edition_url=self._edition_url,
            frozen=materials,
        )

    def language(self, tag: str) -> str:
        """The tag of the language that a reader with this one gets: "zh-CN" -> "zh-Hans"."""
        return self._languages.pick(tag).tag

    def copy(self, edition: Edition, reader: Reader, *, template: str = "weekly-report") -> Copy:
        """What one reader gets. The edition is already selected for them.

        Readers whose selection, language and length are equal share one rendering.

        Raises:
            TemplateError: a template does not render, or holds no unsubscribe link.
        """
        body = self.body(edition, language=reader.language, length=reader.length, template=template)
        return body.for_reader(reader)

    def body(
        self, edition: Edition, *, language: str, length: Length = Length.FULL, template: str = "weekly-report"
    ) -> Body:
        """A selection rendered for all its readers; `Body.for_reader` makes the copies.

        Raises:
            TemplateError: a template does not render, or holds no unsubscribe link.
        """
        picked = self._languages.pick(language)
        return self._cached_body(template, picked, self._viewer(picked).edition(edition, length))

    def online(self, edition: Edition, language: str, *, template: str = "weekly-report") -> str:
        """The whole edition as an HTML page for everyone: no personal fields.

        Raises:
            TemplateError: a template does not render.
        """
        picked = self._languages.pick(language)
        view = self._viewer(picked).edition(edition, Length.FULL)
        return self._html(template, picked, _edition_context(view, picked, None))

    def online_text(self, edition: Edition, language: str, *, template: str = "weekly-report") -> str:
        """The whole edition as plain text for everyone.

        Raises:
            TemplateError: a template does not render.
        """
        picked = self._languages.pick(language)
        view = self._viewer(picked).edition(edition, Length.FULL)
        return self._text(template, picked, _edition_context(view, picked, None))

    def mail(self, name: str, context: Mapping[str, object], language: str) -> Copy:
        """A single mail outside editions, from templates/email/<name>/, which also sees `publication` and `language`.

        Raises:
            TemplateError: a template does not render.
        """
        picked = self._languages.pick(language)
        given = {"publication": publication_view(self._publication), "language": picked, **context}
        return Copy(
            subject=self._subject(name, picked, given),
            text=self._text(name, picked, given),
            html=self._html(name, picked, given),
            language=picked.tag,
        )

    def page(self, name: str, context: Mapping[str, object], language: str = "") -> str:
        """A page for a browser, from templates/<name>, which also sees `publication` and `language`.

        Raises:
            TemplateError: the template does not render.
        """
        picked = self._languages.pick(language or self._publication.language)
        given = {"publication": publication_view(self._publication), "language": picked, **context}
        return self._templates.render(name, picked, given)

    def viewer(self, language: str) -> PageViewer:
        """What says editions, stories and names in a language, as views for `page`."""
        return PageViewer(self._viewer(self._languages.pick(language)))

    def languages(self) -> dict[str, str]:
        """The languages at hand: tag -> its own name for itself."""
        return self._languages.names()

    def source(self, name: str) -> str:
        """The text of a file below templates/ (a stylesheet), as the publication has it; "" when there is none."""
        return self._templates.file(name)[0]

    def _viewer(self, language: Language) -> Viewer:
        return Viewer(
            language=language,
            publication=self._publication,
            places=self._places,
            themes=self._themes,
            zone=self._zone,
            edition_url=self._edition_url,
        )

    def _body(self, template: str, language: Language, view: EditionView) -> Body:
        marks = Marks.draw(self._token, repr(view))
        context = _edition_context(view, language, marks)
        body = Body(
            subject=self._subject(template, language, context),
            text=marks.cut(self._text(template, language, context)),
            html=marks.cut(self._html(template, language, context)),
            language=language.tag,
            items=view.count,
            phrase=self._phrase(language),
        )
        for part, pieces in (("body.txt", body.text), ("body.html", body.html)):
            if Field.UNSUBSCRIBE not in pieces:
                raise TemplateError(
                    "it holds no unsubscribe link",
                    where=self._templates.file(f"email/{template}/{part}")[1],
                    remedy="show links.unsubscribe: no edition may leave without it",
                )
        return body

    def _phrase(self, language: Language) -> Callable[[Reader], str]:
        viewer = self._viewer(language)
        return lambda reader: viewer.receives(reader.name, reader.preferences.regions, reader.preferences.themes)

    def _subject(self, name: str, language: Language, context: Mapping[str, object]) -> str:
        rendered = self._templates.render(f"email/{name}/subject.txt", language, context)
        subject = isolate(shorten(plain(rendered), _SUBJECT))
        if not subject:
            raise TemplateError(
                "the subject is empty",
                where=self._templates.file(f"email/{name}/subject.txt")[1],
                remedy="write at least the publication's title",
            )
        return subject

    def _text(self, name: str, language: Language, context: Mapping[str, object]) -> str:
        text = self._templates.render(f"email/{name}/body.txt", language, context)
        return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)).strip("\n") + "\n"

    def _html(self, name: str, language: Language, context: Mapping[str, object]) -> str:
        for sheet in ("style.css", "adaptive.css"):
            check_stylesheet(*self._templates.file(f"email/{name}/{sheet}"))
        where = self._templates.file(f"email/{name}/body.html")[1]
        return inline(self._templates.render(f"email/{name}/body.html", language, context), where)


def _edition_context(view: EditionView, language: Language, marks: Marks | None) -> dict[str, object]:
    """What an edition's templates see. Without marks it is for everyone: no links of a reader, no `receives`."""
    return {
        "edition": view,
        "publication": view.publication,
        "language": language,
        "links": marks.links() if marks else {},
        "receives": marks.receives if marks else "",
    }
