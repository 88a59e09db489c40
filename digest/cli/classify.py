"""The editor's judgement from the command line: classify, stories, extract, explain - one document, or JSON lines.

A stream goes line by line from standard input to standard output. A line that cannot be answered is answered with its
error and the remedy, and the next one is read; docs/batch.md has the forms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from digest import desk, pickup
from digest.app import App, now
from digest.classify import Judge, cluster, load_taxonomy
from digest.classify.batch import article_of, id_of, judged_record, mended, record_of
from digest.classify.kept import MOST, Kept
from digest.classify.replaying import replay as replayed
from digest.cli.articles import STANDARD_INPUT, open_document, reading, show_article, show_judgement
from digest.cli.base import AsJson, By, actor, cli, opened, print_json, say
from digest.errors import DigestError, InputError, NotFound
from digest.model import Article, Judgement, Role, Source, SourceKind
from digest.pickup import dateline, dates, language
from digest.store import Act

_LONGEST_LINE: Final = 64_000_000  # bytes; a longer one is passed over without being held in memory
_BATCH: Final = Source(key="batch", kind=SourceKind.FOLDER, location=".")
Lines = Annotated[bool, typer.Option("--jsonl", help="Read and write JSON lines, one article a line (docs/batch.md).")]
Answer = Callable[[Mapping[str, Any], int], Mapping[str, object]]


@cli.command()
def classify(
    context: typer.Context,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Articles in any form that pick-up reads; - is standard input.", metavar="FILE|-"),
    ] = None,
    as_json: AsJson = False,
    lines: Lines = False,
) -> None:
    """Show how articles would be judged: regions with roles, themes and summary, each with its reasons."""
    with opened(context) as app:
        if lines:
            _stream(files, _classifier(app))
            return
        for file in files or [STANDARD_INPUT]:
            for article in reading(app, file).articles:
                judgement = app.judge.judge(article)
                if as_json:
                    print_json({"article": article, "judgement": judgement})
                else:
                    show_article(article, text=False)
                    show_judgement(app, judgement)


@cli.command()
def stories(
    context: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(help="JSON lines; without: standard input.")] = None,
    lines: Lines = False,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Answer each line as it comes, among the articles of the days before it.")
    ] = False,
) -> None:
    """Say which articles tell the same story: the id of the one that was seen first stands for it."""
    if not lines:
        raise typer.BadParameter("write `digest stories --jsonl`: it reads and writes JSON lines")
    with opened(context) as app:
        if at_once:
            _stream(files, _teller(app))
            return
        judged: list[tuple[Article, Judgement]] = []
        answers: list[dict[str, object]] = []
        place: dict[str, int] = {}

        def answer(record: Mapping[str, Any], number: int) -> Mapping[str, object]:
            article = _article(app, {**record, "id": f"line {number}"}, number)
            judged.append((article, app.judge.judge(article)))
            place[article.uid] = len(answers)
            return {"id": id_of(record)}

        for found in _answers(files, answer):
            answers.append(dict(found))  # noqa: PERF401 - `answer` counts them as they grow
        for story in cluster(judged, places=app.places, learned=app.settings.classify.learned):
            key = answers[place[story.key]]["id"]
            for article in story.articles:
                answers[place[article.uid]]["story"] = key
        for line in answers:
            print_json(line)


@cli.command()
def extract(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Pages as HTML or as text; - is standard input.", metavar="FILE|-")
    ] = None,
    as_json: AsJson = False,
    lines: Lines = False,
) -> None:
    """Show the article of a page without its furniture: title, fields and paragraphs."""
    with opened(context) as app:
        if lines:
            _stream(files, _extractor(app))
            return
        for file in files or [STANDARD_INPUT]:
            for article in reading(app, file).articles:
                if as_json:
                    print_json(article)
                else:
                    show_article(article)


@cli.command()
def explain(
    context: typer.Context,
    article: Annotated[str, typer.Argument(help="An article's uid, as `digest preview` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Say why an article is where it is: how it was judged, and what each edition did with it."""
    with opened(context) as app:
        judged = app.store.articles.get(article)
        placements = desk.explain(app.store, article)
        if as_json:
            print_json({"article": judged.article, "judgement": judged.judgement, "editions": placements})
            return
        show_article(judged.article, text=False)
        if judged.judgement is not None:
            show_judgement(app, judged.judgement)
        for placement in placements:
            say()
            say(f"{placement.edition} ({placement.state}): {placement.section or 'left out'}", style="bold")
            for sentence in placement.why:
                say(f"  {sentence}")


@cli.command()
def refile(
    context: typer.Context,
    article: Annotated[str, typer.Argument(help="An article's uid, as `digest preview` shows it.")],
    theme: Annotated[list[str] | None, typer.Option(help="Its themes by id or name, the first one first.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="What it is about: a code or a name.")] = None,
    counterpart: Annotated[list[str] | None, typer.Option(help="The other side of it.")] = None,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Say where an article belongs. It is kept with who and when, holds from now on, and the judge learns from it."""
    with opened(context) as app:
        themes = None if theme is None else [_theme(app, name) for name in theme]
        regions = {_region(app, name): Role.PRIMARY.value for name in region or ()}
        regions |= {_region(app, name): Role.COUNTERPART.value for name in counterpart or ()}
        if themes is None and not regions:
            raise InputError("nothing to change", remedy="name the themes, or the regions, or both")
        app.newsroom.refile([article], themes=themes, regions=regions or None, by=actor(by))
        judgement = app.store.articles.get(article).judgement
        assert judgement is not None  # noqa: S101 - it was just judged
        if as_json:
            print_json(judgement)
        else:
            show_judgement(app, judgement)


@cli.command()
def corrections(context: typer.Context) -> None:
    """Write what editors said of articles as JSON lines: article, themes, regions, who, when; undone ones too."""
    with opened(context) as app:
        for one in app.store.decisions.history():
            if one.act is Act.REFILE:
                told = {"article": one.story, **one.payload, "by": one.by, "at": one.at, "undone": one.undone}
                print_json(told)


@cli.command()
def queue(
    context: typer.Context,
    limit: Annotated[int, typer.Option(help="Articles at most.", min=1, max=500)] = 50,
    as_json: AsJson = False,
) -> None:
    """List the articles whose themes the learner leaves to an editor, the newest first; `digest refile` decides one.

    Example: digest queue --limit 10
    """
    with opened(context) as app:
        newsroom = app.newsroom
        waiting = newsroom.unsure(limit)
        if as_json:
            for one in waiting:
                told = {"article": one.article.uid, "title": one.article.title}
                print_json({**told, "themes": one.themes, "between": one.between})
            return
        for one in waiting:
            say(f"{one.article.uid}  {one.article.title}", style="bold")
            now_ = ", ".join(map(app.taxonomy.name, one.themes)) or "no theme"
            say(f"  now {now_}; unsure of {', '.join(map(app.taxonomy.name, one.between))}")
        if not waiting:
            few = "nothing was learned yet: it takes 30 corrected articles (docs/taxonomy.md)"
            say("No article waits for an editor." if newsroom.learns() else f"No article waits: {few}.")


@cli.command()
def replay(
    context: typer.Context,
    editions: Annotated[int, typer.Option(help="How many of the latest editions.", min=1)] = 12,
    taxonomy: Annotated[Path | None, typer.Option(help="Another taxonomy file to try.")] = None,
    rules: Annotated[bool, typer.Option("--rules", help="Try the rules alone, without anything learned.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what another taxonomy, the rules alone, or what was learned since would have moved in past editions."""
    with opened(context) as app:
        decided = app.pipeline.refiled()
        judge = app.pipeline.taught(decided)
        if taxonomy is not None or rules:
            judge = Judge(app.places, load_taxonomy(taxonomy) if taxonomy else app.taxonomy, learned=not rules)
        past = [app.store.editions.get(listed.id).edition for listed in app.store.editions.list()[:editions]]
        found = list(replayed(past, judge, decided))
        moved = [one for one in found if one.moved]
        told = [one for one in found if one.editor is not None]
        then, since = sum(one.right(one.then) for one in told), sum(one.right(one.now) for one in told)
        if as_json:
            lines = [
                {"edition": one.edition, "title": one.story.lead.title, "then": one.then, "now": one.now}
                for one in moved
            ]
            totals = {"editions": len(past), "items": len(found), "corrected": len(told), "right_then": then}
            print_json({**totals, "right_now": since, "moved": lines})
            return
        for one in moved:
            say(f"{one.edition}  {one.story.lead.title}", style="bold")
            say(f"  then  {_where(app, one.then)}")
            say(f"  now   {_where(app, one.now)}")
        say(f"{len(moved)} of {len(found)} items in {len(past)} editions would have moved.")
        if told:
            say(f"Of {len(told)} that editors corrected, {then} were right then, {since} would be now.")


def _where(app: App, judgement: Judgement) -> str:
    about = [app.places.name(code) for code in judgement.places(Role.PRIMARY, Role.COUNTERPART)]
    themes = [app.taxonomy.name(tag.theme) for tag in judgement.themes]
    return f"{' - '.join(about) or 'no place'}; {', '.join(themes) or 'no theme'}"


def _theme(app: App, name: str) -> str:
    found = app.taxonomy.resolve(name)
    if found is None:
        raise NotFound("theme", name, f"known are {', '.join(theme.id for theme in app.taxonomy)}")
    return found.id


def _region(app: App, name: str) -> str:
    found = app.places.resolve(name)
    if found is None:
        raise NotFound("region", name, "give a code such as CN-GD, or a name as docs/regions.md has it")
    return found.code


# ---- one line


def _classifier(app: App) -> Answer:
    def answer(record: Mapping[str, Any], number: int) -> Mapping[str, object]:
        article = _article(app, record, number)
        return judged_record(id_of(record), article, app.judge.judge(article), places=app.places, taxonomy=app.taxonomy)

    return answer


def _extractor(app: App) -> Answer:
    def answer(record: Mapping[str, Any], number: int) -> Mapping[str, object]:
        kind = next((kind for kind in ("html", "text") if isinstance(record.get(kind), str)), "")
        if not kind:
            raise InputError("neither 'html' nor 'text'", remedy="give the page as one of them")
        data = mended(record[kind]).encode("utf-8", "replace")
        name = f"line {number}.html" if kind == "html" else f"line {number}"
        article = pickup.read_document(data, name, _BATCH, now=now(), zone=app.settings.zone, jail=app.jail)[0]
        return {"id": id_of(record), "title": article.title, "text": "\n".join(article.paragraphs)}

    return answer


def _article(app: App, record: Mapping[str, Any], number: int) -> Article:
    def moment(text: str) -> datetime | None:
        return dates.read(text, app.settings.zone) if text else None

    return article_of(
        record,
        now=datetime(2000, 1, 1, tzinfo=UTC),
        number=number,
        language=language.detect,
        moment=moment,
        filed=dateline.taken_off,
    )


# ---- lines in, lines out


def _teller(app: App) -> Answer:
    """Tells of each article which story it joins, among those of the last days."""
    kept = Kept(app.places, learned=app.settings.classify.learned)
    named: dict[str, object] = {}  # the ids by which articles were given that stand for a story

    def answer(record: Mapping[str, Any], number: int) -> Mapping[str, object]:
        article = _article(app, {**record, "id": f"line {number}"}, number)
        story = kept.add(article, app.judge.judge(article))
        found = named.setdefault(story, id_of(record))
        if len(named) > MOST:  # the oldest story: its articles are forgotten too
            del named[next(iter(named))]
        return {"id": id_of(record), "story": found}

    return answer


def _stream(files: list[Path] | None, answer: Answer) -> None:
    for found in _answers(files, answer):
        print_json(found)


def _answers(files: list[Path] | None, answer: Answer) -> Iterator[Mapping[str, object]]:
    """One answer for each line that is not empty, in order: what was asked for, or the error and its remedy."""
    for number, line in enumerate(_lines(files), start=1):
        identity: object = None
        if not line.strip():
            continue
        try:
            record = record_of(line)
            identity = id_of(record)
            yield answer(record, number)
        except InputError as error:
            yield {"id": identity, "line": number, "error": error.what, "remedy": error.remedy}
        except DigestError as error:
            yield {"id": identity, "line": number, "error": str(error), "remedy": "give it in a simpler form"}


def _lines(files: list[Path] | None) -> Iterator[bytes]:
    """The lines of files, or of standard input; of one that is too long only the beginning, which is no JSON."""
    for file in files or [STANDARD_INPUT]:
        with open_document(file) as stream:
            while line := stream.readline(_LONGEST_LINE):
                yield line
                while len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
                    line = stream.readline(_LONGEST_LINE)
