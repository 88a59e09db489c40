"""The templates: read once, overridden file by file, run in a sandbox that has nothing to give away.

Operators edit templates, so a template is code from outside: immutable sandbox, no globals, filters from a list, no
methods of strings, arithmetic on numbers only. What is left is a template that loops or doubles a text for ever: there
a rendering's output is limited here, its time and memory by the jail that runs it.
"""

from __future__ import annotations

import posixpath
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any, Final

from jinja2 import (
    BaseLoader,
    BytecodeCache,
    Environment,
    StrictUndefined,
    Template,
    TemplateNotFound,
    TemplateSyntaxError,
    meta,
    nodes,
)
from jinja2.bccache import Bucket
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from digest.errors import TemplateError
from digest.render.language import Language
from digest.render.tags import PartTags
from digest.render.text import (
    hang,
    isolate,
    leader,
    own_path,
    pad,
    relative_url,
    safe_url,
    shorten,
    underline,
    width,
    wrap,
)
from digest.render.view import anchor

OUTPUT_LIMIT = 4_000_000  # characters of one rendering; an edition of 400 stories takes about 600,000

_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_SUFFIXES = frozenset({".html", ".txt", ".css", ".js"})
_OWN_FILTERS: Mapping[str, Callable[..., Any]] = {
    "url": safe_url,
    "relative": relative_url,
    "own": own_path,
    "pad": pad,
    "anchor": anchor,
    "hang": hang,
    "wrap": wrap,
    "underline": underline,
    "leader": leader,
    "isolate": isolate,
    "shorten": shorten,
    "width": width,
}
_JINJA_FILTERS = (
    "batch",
    "e",
    "escape",
    "first",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "select",
    "selectattr",
    "sort",
    "trim",
    "upper",
)
_JINJA_TESTS = (
    "defined",
    "undefined",
    "none",
    "string",
    "number",
    "sequence",
    "mapping",
    "in",
    "eq",
    "ne",
    "gt",
    "lt",
    "ge",
    "le",
)


class Templates:
    """All templates of a publication, as they were when this was made; make another one to see changes."""

    def __init__(self, folders: Sequence[Path], frozen: Mapping[str, bytes] | None = None) -> None:
        """Read the templates.

        Args:
            folders: where they are looked for, the publication's own first, the shipped ones last. A file in an
                earlier folder stands for the one of the same name in a later one.
            frozen: what `sources` gave once: it stands for the files of the same name.

        Raises:
            TemplateError: a file is not UTF-8.
        """
        self._files: dict[str, tuple[str, Path]] = {}
        for folder in reversed(folders):
            for path in sorted(folder.rglob("*")):
                if path.suffix in _SUFFIXES and path.is_file():
                    self._files[path.relative_to(folder).as_posix()] = _source(path), path
        for name, source in (frozen or {}).items():
            self._files[name] = source.decode(), Path(name)
        self._environments: dict[str, Environment] = {}

    def render(self, name: str, language: Language, context: Mapping[str, object]) -> str:
        """One template with its context.

        Raises:
            TemplateError: it is not there, is broken, asks for what is not given or not allowed, or gives too much.
        """
        pieces: list[str] = []
        room = OUTPUT_LIMIT
        try:
            for piece in self._template(name, language).generate(**context):
                pieces.append(piece)
                room -= len(piece)
                if room < 0:
                    break
        except Exception as error:
            # A template may raise anything that Python can; all of it is the template's fault.
            raise self._blame(error, name) from error
        if room < 0:
            raise TemplateError(
                f"it renders to more than {OUTPUT_LIMIT:,} characters",
                where=self._where(name),
                remedy="look for a loop in a loop",
            )
        return "".join(pieces)

    def sources(self, names: Iterable[str]) -> dict[str, bytes]:
        """These templates and all that they include, extend or import, by name.

        Raises:
            TemplateError: one is not there or cannot be parsed.
        """
        found: dict[str, bytes] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            try:
                source, _ = self._files[name]
                waiting.extend(_referenced(source, name, self._where(name)))
            except KeyError as error:
                raise self._blame(TemplateNotFound(name), name) from error
            except TemplateSyntaxError as error:
                raise self._blame(error, name) from error
            found[name] = source.encode()
        return dict(sorted(found.items()))

    def names(self) -> tuple[str, ...]:
        """Every file below templates/, sorted."""
        return tuple(sorted(self._files))

    def faults(
        self, name: str, language: Language, given: Mapping[str, frozenset[str] | None]
    ) -> Iterator[tuple[int, str]]:
        """What is wrong with a template before it is rendered, in branches too that no rendering takes: line and fault.

        Args:
            name: of a .html or .txt file.
            language: any; it speaks the interface's texts.
            given: the names that it may ask for, with what each holds; None where that is not looked at. An empty
                mapping: names are not looked at either.
        """
        environment = self._speaking(language)
        source, where = self.file(name)
        try:
            environment.compile(source, name, where)
            tree = environment.parse(source, name, where)
        except TemplateSyntaxError as error:
            yield error.lineno, error.message or "it cannot be parsed"
            return
        if not given:
            return
        own = {name for each in self._family(environment, tree) for name in _set_in(each)}
        unknown = meta.find_undeclared_variables(tree) - given.keys() - environment.globals.keys() - own
        for found in tree.find_all(nodes.Name):
            if found.ctx == "load" and found.name in unknown:
                yield found.lineno, f"nothing is given under the name '{found.name}'"
        for asked in tree.find_all(nodes.Getattr):
            holds = given.get(asked.node.name) if isinstance(asked.node, nodes.Name) else None
            if holds is not None and asked.attr not in holds:
                yield asked.lineno, f"'{asked.node.name}' has no '{asked.attr}'"  # type: ignore[attr-defined] # a Name

    def _family(self, environment: Environment, tree: nodes.Template) -> Iterator[nodes.Template]:
        """A template and all that it extends, includes or imports, as far as they are there."""
        yield tree
        for name in meta.find_referenced_templates(tree):
            if name in self._files:
                yield from self._family(environment, environment.parse(self._files[name][0], name))

    def file(self, name: str) -> tuple[str, str]:
        """The text of a file and where it is, for messages. Both are "" for a file that is not there."""
        source, path = self._files.get(name, ("", ""))
        return source, str(path)

    def _template(self, name: str, language: Language) -> Template:
        return self._speaking(language).get_template(name)

    def _speaking(self, language: Language) -> Environment:
        # By its words alone: dates and counts, which differ between en-GB and en-US, reach a template as `language`.
        if language.tag not in self._environments:
            self._environments[language.tag] = _environment(language, self._files)
        return self._environments[language.tag]

    def _where(self, name: str) -> str:
        return self.file(name)[1] or name

    def _blame(self, error: Exception, name: str) -> TemplateError:
        """Say which file and line: Jinja puts the template's own frames into the traceback."""
        if isinstance(error, TemplateSyntaxError):
            return TemplateError(
                error.message or "it cannot be parsed",
                where=error.filename or self._where(error.name or name),
                line=error.lineno,
                remedy="mend the template's syntax",
            )
        if isinstance(error, TemplateNotFound):
            return TemplateError(
                f"there is no template '{error.name}'", where=name, remedy="templates.md lists the shipped ones"
            )
        ours = {str(path) for _, path in self._files.values()}
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in ours]
        remedy = "docs/templates.md lists what a template may use"
        return TemplateError(
            str(error) or type(error).__name__,
            where=frames[-1].filename if frames else self._where(name),
            line=frames[-1].lineno if frames else None,
            remedy=remedy,
        )


_KEPT: Final = 1024  # templates whose code or references are kept: those of some tens of revisions that differ in all


@lru_cache(_KEPT)
def _referenced(source: str, name: str, where: str) -> tuple[str, ...]:
    """The names that a template includes, extends or imports."""
    tree = Environment(extensions=["jinja2.ext.i18n", PartTags], autoescape=True).parse(source, name, where)
    return tuple(each for each in meta.find_referenced_templates(tree) if each is not None)


class _Compiled(BytecodeCache):
    """The code of templates, kept while the process lives.

    Each revision has its templates frozen with it, and nearly all are the same; what differs between environments, the
    language, reaches the code at run time.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        if bucket.code is not None:
            self._kept[bucket.key, bucket.checksum] = bucket.code


_COMPILED: Final = _Compiled()


def _set_in(tree: nodes.Template) -> Iterator[str]:
    """The names that a template gives itself: set, macro, for."""
    yield from (name.name for name in tree.find_all(nodes.Name) if name.ctx in {"store", "param"})
    yield from (macro.name for macro in tree.find_all(nodes.Macro))


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's immutable sandbox, and narrower: `'a' * 10**8` and `'{:>99999999}'.format(1)` get nowhere."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._safe: dict[tuple[type, str], bool] = {}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Jinja's answer, but for texts. It follows from the type and the name: each is asked for once."""
        safe = self._safe.get((type(obj), attr))
        if safe is None:
            safe = not isinstance(obj, str | bytes) and super().is_safe_attribute(obj, attr, value)
            self._safe[type(obj), attr] = safe
        return safe

    def wrap_str_format(self, value: Any) -> None:
        """Not even Jinja's guarded `str.format`: a width in it makes any amount of blanks."""

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        small = all(isinstance(value, int | float) and abs(value) < 1_000_000 for value in (left, right))
        if not small or operator == "**":
            raise SecurityError(f"'{operator}' is for small numbers")
        return super().call_binop(context, operator, left, right)


class _Files(BaseLoader):
    """Gives Jinja what was read at the start."""

    def __init__(self, files: Mapping[str, tuple[str, Path]]) -> None:
        self._files = files

    def get_source(self, _environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        try:
            source, path = self._files[template]
        except KeyError:
            raise TemplateNotFound(template) from None
        if template.startswith("email/") and not template.endswith(".txt"):
            source = _INDENT.sub("", source)  # here and not in what is rendered: there it would cost, copy by copy
        return source, str(path), lambda: True


def _environment(language: Language, files: Mapping[str, tuple[str, Path]]) -> Environment:
    """An environment that speaks one language. Everything is escaped but in .txt files."""
    environment = _Sandbox(
        loader=_Files(files),
        autoescape=lambda name: posixpath.splitext(name or "")[1] != ".txt",
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", PartTags],
        bytecode_cache=_COMPILED,
    )
    environment.globals = {"_": environment.globals["_"]}
    environment.filters = {
        **{name: environment.filters[name] for name in _JINJA_FILTERS},
        **_OWN_FILTERS,
    }
    environment.tests = {name: environment.tests[name] for name in _JINJA_TESTS}
    # The i18n extension adds this method to an environment; newstyle escapes what is put into a translated sentence.
    install: Callable[..., None] = environment.install_gettext_callables  # type: ignore[attr-defined] # added at run time
    install(language.gettext, language.ngettext, newstyle=True)
    return environment


def _source(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TemplateError("it is not UTF-8 text", where=str(path), remedy="save the template as UTF-8") from error
