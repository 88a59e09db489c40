"""Editions and notices in, subjects and bodies out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from digest.errors import TemplateError
from digest.model import Copy, Edition, Length, Picked, Publication, Theme
from digest.places import Places
from digest.render.copies import Parts, subject_of
from digest.render.edition import said
from digest.render.joins import Body
from digest.render.language import CATALOGUES, Language, Languages
from digest.render.pages import PageViewer
from digest.render.parts import HTML, TEXT
from digest.render.parts import marks as marks_of
from digest.render.personal import Field, Marks, Reader, Receives, links
from digest.render.selection import Answers, Outline, Questions, Selection
from digest.render.stylesheets import check_selectors, check_stylesheet
from digest.render.templates import Templates
from digest.render.text import wrap
from digest.render.view import Viewer, publication_view, shown
from digest.render.views import EditionView

PUBLICATION = "publication.json"  # among the materials of a revision
_RENDERINGS = 32  # kept at hand: editions times languages


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
        given = dict(frozen or {})
        self._publication = publication = _read_publication(given.pop(PUBLICATION, b""), publication)
        self._folders = tuple(template_folders)
        self._locale_folder = locale_folder
        self._places = places
        self._themes = themes
        self._token = token
        self._edition_url = edition_url or (lambda edition: f"{publication.url}/editions/{edition}")
        self._zone = ZoneInfo(publication.time_zone)
        templates = {name: data for name, data in given.items() if not name.startswith(CATALOGUES)}
        catalogues = {name: data for name, data in given.items() if name.startswith(CATALOGUES)}
        self._templates = Templates(template_folders, templates)
        self._languages = Languages(locale_folder, publication.language, catalogues if frozen else None)
        self._parts: dict[tuple[str, Language, int], tuple[Edition, Parts]] = {}

    def materials(self, template: str) -> dict[str, bytes]:
        """All that shapes a mail besides its content, by name: templates, what they include, stylesheets, catalogues.

        And what is said of the publication: its title, addresses, the base of its links.

        Raises:
            TemplateError: a template is missing or broken.
        """
        names = [f"email/{template}/{part}" for part in ("subject.txt", "body.txt", "body.html")]
        what_is_said = json.dumps(asdict(self._publication), sort_keys=True, ensure_ascii=False).encode()
        return {PUBLICATION: what_is_said, **self._templates.sources(names), **self._languages.sources}

    def frozen(self, materials: Mapping[str, bytes]) -> Renderer:
        """A renderer that renders with these materials, whatever the files and the settings say today.

        Links of readers are not among them: they lead where they work today.
        """
        then = _read_publication(materials.get(PUBLICATION, b""), self._publication).url
        today, edition_url = self._publication.url, self._edition_url

        def moved(edition: str) -> str:
            url = edition_url(edition)
            return then + url.removeprefix(today) if url.startswith(today) else url

        return Renderer(
            publication=self._publication,
            template_folders=self._folders,
            locale_folder=self._locale_folder,
            places=self._places,
            themes=self._themes,
            token=self._token,
            edition_url=moved,
            frozen=materials,
        )

    def language(self, tag: str) -> str:
        """The tag of the language that a reader with this one gets: "zh-CN" -> "zh-Hans"."""
        return self._languages.pick(tag).tag

    def parts(self, edition: Edition, *, language: str, template: str = "weekly-report") -> Parts:
        """An edition rendered once, in parts: every copy of it, its page and its previews are joined from these.

        Raises:
            TemplateError: a template does not render, damages what it is given, or holds no unsubscribe link.
        """
        picked = self._languages.pick(language)
        key = (template, picked, id(edition))
        found = self._parts.get(key)
        if found is None or found[0] is not edition:
            while len(self._parts) >= _RENDERINGS:
                self._parts.pop(next(iter(self._parts)))
            found = self._parts[key] = edition, self._rendered(edition, picked, template)
        return found[1]

    def copy(self, edition: Edition, reader: Reader, *, template: str = "weekly-report") -> Copy:
        """What one reader gets of an edition that is already selected for them.

        Raises:
            TemplateError: a template does not render, or holds no unsubscribe link.
        """
        parts = self.parts(edition, language=reader.language, template=template)
        return parts.copy(parts.everything, reader)

    def online(self, edition: Edition, language: str, *, template: str = "weekly-report") -> str:
        """The whole edition as an HTML page for everyone: no personal fields.

        Raises:
            TemplateError: a template does not render.
        """
        return self.parts(edition, language=language, template=template).page()[0]

    def online_text(self, edition: Edition, language: str, *, template: str = "weekly-report") -> str:
        """The whole edition as plain text for everyone.

        Raises:
            TemplateError: a template does not render.
        """
        return self.parts(edition, language=language, template=template).page()[1]

    def alone(self, edition: Edition, reader: Reader | None, *, template: str = "weekly-report") -> Copy:
        """One copy by a rendering of its own, without parts: what every join must be equal to. Slow; for tests.

        Args:
            edition: selected for the reader.
            reader: None for the page for everyone, in the publication's language.
            template: folder below templates/email/.
        """
        language = self._languages.pick(reader.language if reader else "")
        outline = Outline(edition)
        full = reader is None or reader.length is Length.FULL
        selection = Selection(outline, Picked(outline.all), full=full, mail=reader is not None)
        own = {name.value: url for name, url in links(reader).items()} if reader else {}
        receives = ""
        if reader:
            chosen = reader.preferences
            receives = self._viewer(language).receives(reader.name, chosen.regions, chosen.themes)
        view = said(self._viewer(language), edition, outline, Answers(selection))
        context = _edition_context(view, language, own, receives, mail=reader is not None)
        text = self._templates.render(f"email/{template}/body.txt", language, {**context, "receives": wrap(receives)})
        return Copy(
            subject=subject_of(self._templates.render(f"email/{template}/subject.txt", language, context)),
            text=TEXT.tidy(text),
            html=HTML.tidy(self._inlined(template, language, context)),
            language=language.tag,
            items=selection.count,
            unsubscribe=own.get("unsubscribe", ""),
        )

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

    @property
    def templates(self) -> Templates:
        """The templates it renders with."""
        return self._templates

    def faults(self, name: str, given: Mapping[str, frozenset[str] | None]) -> Iterator[tuple[int, str]]:
        """What is wrong with a template before it is rendered: line and fault. `given`: see `Templates.faults`."""
        return self._templates.faults(name, self._languages.pick(""), given)

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

    def _rendered(self, edition: Edition, language: Language, template: str) -> Parts:
        """One rendering of everything, cut at its marks."""
        viewer = self._viewer(language)
        marks = Marks.draw(self._token, repr(edition))
        outline, questions = Outline(edition), Questions(marks.token)
        view = said(viewer, edition, outline, questions)
        mail = questions.when(lambda selection: selection.mail)
        context = _edition_context(view, language, marks.links(), marks.receives, mail=mail)
        folder = f"email/{template}"
        subject = self._templates.render(f"{folder}/subject.txt", language, context)
        bodies = {
            "body.txt": (self._templates.render(f"{folder}/body.txt", language, context), TEXT),
            "body.html": (self._inlined(template, language, context, marks.token), HTML),
        }
        cut = {
            name: Body.cut(rendered, kind, questions, self._templates.file(f"{folder}/{name}")[1])
            for name, (rendered, kind) in {**bodies, "subject.txt": (subject, TEXT)}.items()
        }
        for name in bodies:
            if Field.UNSUBSCRIBE not in cut[name].fields():
                raise TemplateError(
                    "it holds no unsubscribe link",
                    where=self._templates.file(f"{folder}/{name}")[1],
                    remedy="show links.unsubscribe: no edition may leave without it",
                )
        if not subject_of(subject):
            raise self._no_subject(template)
        return Parts(
            outline,
            subject=cut["subject.txt"],
            text=cut["body.txt"],
            html=cut["body.html"],
            language=language.tag,
            receives=Receives(viewer.receives, shown),
        )

    def _inlined(self, name: str, language: Language, context: Mapping[str, object], token: str = "") -> str:
        """The HTML of a mail with its styles in place; marks of this token come out as they went in.

        Raises:
            TemplateError: a template does not render, or a mark was moved or eaten by the markup round it.
        """
        for sheet in ("style.css", "adaptive.css"):
            check_stylesheet(*self._templates.file(f"email/{name}/{sheet}"))
        check_selectors(*self._templates.file(f"email/{name}/style.css"))
        where = self._templates.file(f"email/{name}/body.html")[1]
        rendered = self._templates.render(f"email/{name}/body.html", language, context)
        from digest.render.inline import inline  # noqa: PLC0415 - its library takes a sixth of a second; few inline

        inlined = inline(rendered, where)
        if token:
            found = marks_of(token)
            for match in found.finditer(rendered):
                at = match.start() - len("<!--")
                if rendered.startswith("<!--", at) and rendered.rfind("<", 0, at) > rendered.rfind(">", 0, at):
                    raise TemplateError(
                        "a part begins or ends within a tag",
                        where=where,
                        remedy="write the whole element in each branch; only fields may stand in an attribute",
                    )
            before, after = ([match[0] for match in found.finditer(text)] for text in (rendered, inlined))
            if before != after:
                lost = next((one for one, other in zip(before, [*after, ""], strict=False) if one != other), "")
                raise TemplateError(
                    f"its markup moves or eats what marks a part ({lost.replace(token, '')})",
                    where=where,
                    remedy="open and close elements in the same part, rows in tables and cells in rows",
                )
        return inlined

    def _subject(self, name: str, language: Language, context: Mapping[str, object]) -> str:
        subject = subject_of(self._templates.render(f"email/{name}/subject.txt", language, context))
        if not subject:
            raise self._no_subject(name)
        return subject

    def _no_subject(self, name: str) -> TemplateError:
        return TemplateError(
            "the subject is empty",
            where=self._templates.file(f"email/{name}/subject.txt")[1],
            remedy="write at least the publication's title",
        )

    def _text(self, name: str, language: Language, context: Mapping[str, object]) -> str:
        return TEXT.tidy(self._templates.render(f"email/{name}/body.txt", language, context))

    def _html(self, name: str, language: Language, context: Mapping[str, object]) -> str:
        return HTML.tidy(self._inlined(name, language, context))


def _read_publication(frozen: bytes, today: Publication) -> Publication:
    """What was said of the publication when a revision was frozen; what is said today, of one that did not keep it.

    Raises:
        TemplateError: the store holds something else.
    """
    if not frozen:
        return today
    try:
        known = {one.name for one in fields(Publication)}
        return replace(today, **{name: value for name, value in json.loads(frozen).items() if name in known})
    except (ValueError, AttributeError) as error:
        raise TemplateError(str(error), where=PUBLICATION, remedy="restore the store from a backup") from error


def _edition_context(
    view: EditionView, language: Language, own: Mapping[str, str], receives: str, *, mail: object
) -> dict[str, object]:
    """What an edition's templates see. `mail` is whether it is for a reader, with links of their own."""
    return {
        "edition": view,
        "publication": view.publication,
        "language": language,
        "mail": mail,
        "links": own,
        "receives": receives,
    }
