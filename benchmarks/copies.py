"""What a personal copy costs beside what a user could write: `python -m benchmarks.copies [--json] [--quick] [--no-memory]`.

A report of 40 stories (8 regions by 5 themes) and one of 400, one language, HTML and text. Every reader has regions and
themes of their own, a name, and signed links. "ours" begins with a new revision, whose choices are all new; then the same
readers come once more. Ours is the whole way from preferences to the bytes of both bodies. The
rivals make the same bodies for the same readers, in rounds with ours: figures are CPU milliseconds per copy, medians of
rounds; ratios are medians of the ratios within a round. What reading an edition into views costs is not counted for
them. css-inline is left out where it is not installed.

    script     jinja2 + premailer + EmailMessage for each reader
    css-inline the same with css-inline in premailer's place
    careful    inlined once for the whole edition, the links replaced, EmailMessage for each reader; no selection

`memory N` is what this module runs in processes of its own: N copies streamed, peak memory.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from email.message import EmailMessage
from itertools import islice
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any
from zoneinfo import ZoneInfo

from digest.compose import narrowed
from digest.copies import Copies
from digest.links import Key, Links
from digest.model import DigestRule, Edition, EncodedCopy, Length, Picked, Preferences, Revision, Skipped
from digest.render import Renderer
from digest.render.edition import said
from digest.render.renderer import _edition_context
from digest.render.selection import Answers, Outline, Selection
from tests.render import factory

Premailer: Any = importlib.import_module("premailer").Premailer  # after ours, which gives it the room it needs: fair

figures: list[dict[str, object]] = []
Asked = tuple[int, str, Preferences]
REGIONS = [*factory.REGIONS[:-1], "UY"]
THEMES = list(factory.THEMES)


FIRST = ["Ada", "Bo", "Dana", "Émile", "Jean-Luc", "Maria", "Noa", "O.", "Wei", "Zoë", "דנה", "丽"]
LAST = [
    "Chen",
    "Li",
    "Levi",
    "Roux",
    "O'Neil",
    "Müller",
    "Katz",
    "Tanaka",
    "García",
    "Smith",
    "Okafor",
    "Wang",
    "van-der-Berg",
    "Cohen",
    "王",
]


def figure(name: str, value: float, rival: str, goal: str, *, met: bool) -> None:
    figures.append({"name": name, "value": float(f"{value:.4g}"), "rival": rival, "goal": goal, "met": met})


def readers(seed: int) -> Iterator[Asked]:
    """Subscription, name and preferences, as they come: some want everything, most have a choice of their own."""
    chance = random.Random(seed)
    number = 0
    while True:
        number += 1
        yield (
            number,
            f"{chance.choice(FIRST)} {chance.choice(LAST)}" if chance.random() < 0.8 else "",
            Preferences(
                regions=tuple(sorted(chance.sample(REGIONS, chance.choice((0, 1, 2, 3, 4))), key=REGIONS.index)),
                themes=tuple(sorted(chance.sample(THEMES, chance.choice((0, 0, 1, 2, 3))), key=THEMES.index)),
                length=Length.HEADLINES if chance.random() < 0.15 else Length.FULL,
            ),
        )


def copies_of(edition: Edition, renderer: Renderer) -> Copies:
    revision = Revision(edition=edition, number=1, hash="0" * 64, created=edition.period.end)
    links = Links("https://digest.example", [Key.of("k" * 64)])
    rule = DigestRule(key="weekly", title=edition.title)
    return Copies(revision, rule=rule, renderer=renderer, places=factory.places(), links=links, language="en")


def made(copies: Copies, audience: Iterable[Asked]) -> tuple[int, int]:
    """Copies for an audience, each joined and dropped; how many there were (some would be empty), and their octets."""
    done = size = 0
    for number, name, wanted in audience:
        picked = copies.picked(wanted)
        if not isinstance(picked, Skipped):
            copy = copies.make(picked, number, name, wanted)
            size += len(b"".join([*copy.text, *copy.html]))
            done += 1
    return done, size


def cpu(work: Callable[[], object]) -> float:
    """Seconds of CPU that a call takes."""
    gc.collect()
    start = process_time()
    work()
    return process_time() - start


# ---- rivals


class Plain:
    """What a script would do for each of some readers. What is read from the edition is read beforehand."""

    def __init__(self, edition: Edition, renderer: Renderer, count: int, seed: int) -> None:
        self._templates = renderer.templates
        self._language = renderer._languages.pick("en")  # noqa: SLF001 - the rivals use our templates from within
        self.contexts = []
        chooser = copies_of(edition, renderer)
        for number, _name, wanted in readers(seed):
            picked = chooser.picked(wanted)
            if isinstance(picked, Picked):
                own = narrowed(edition, picked)
                outline = Outline(own)
                answers = Answers(Selection(outline, Picked(outline.all), full=wanted.length is Length.FULL, mail=True))
                view = said(renderer._viewer(self._language), own, outline, answers)  # noqa: SLF001
                page = f"https://digest.example/{number}"
                links = dict.fromkeys(("online", "preferences", "unsubscribe", "feed"), page)
                self.contexts.append(_edition_context(view, self._language, links, "You receive: this", mail=True))
            if len(self.contexts) == count:
                return

    def bodies(self, context: dict[str, object]) -> tuple[str, str]:
        folder = "email/weekly-report"
        return (
            self._templates.render(f"{folder}/body.txt", self._language, context),
            self._templates.render(f"{folder}/body.html", self._language, context),
        )

    def script(self) -> None:
        for context in self.contexts:
            text, html = self.bodies(context)
            message(text, Premailer(html, allow_network=False, cssutils_logging_level=50).transform())

    def css_inline(self) -> None:
        css_inline: Any = importlib.import_module("css_inline")  # not in the lock: whoever has it sees it measured
        inliner = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)
        for context in self.contexts:
            text, html = self.bodies(context)
            message(text, inliner.inline(html))


def careful(text: str, html: str, count: int) -> None:
    for number in range(count):
        link = f"https://digest.example/unsubscribe/{number}"
        message(text.replace("https://digest.example/u", link), html.replace("https://digest.example/u", link))


def message(text: str, html: str) -> bytes:
    letter = EmailMessage()
    letter["Subject"] = "China Partners Weekly"
    letter.set_content(text, cte="quoted-printable")
    letter.add_alternative(html, subtype="html", cte="quoted-printable")
    return letter.as_bytes()


# ---- what is measured


def side_by_side(edition: Edition, *, quick: bool) -> None:
    ours, few = (3000, 3) if quick else (20_000, 8)
    renderer = factory.renderer()
    whole = renderer.alone(edition, factory.reader(unsubscribe_url="https://digest.example/u"))
    found: dict[str, list[float]] = {}
    for turn in range(3):
        audience = list(islice(readers(turn), ours))
        renderer._parts.clear()  # noqa: SLF001 - a revision that is new: nobody's choice is known
        copies = copies_of(edition, renderer)
        copies.make(Picked(1), 1, "", Preferences())
        start = process_time()
        count, _ = made(copies, audience)
        times = {"ours": (process_time() - start) / count}
        start = process_time()
        made(copies, audience)
        times["ours, all choices known"] = (process_time() - start) / count
        plain = Plain(edition, renderer, few, turn)
        times["script"] = cpu(plain.script) / few
        if importlib.util.find_spec("css_inline"):
            times["css-inline"] = cpu(plain.css_inline) / few
        times["careful"] = cpu(lambda: careful(whole.text, whole.html, few * 4)) / (few * 4)
        for name, value in times.items():
            found.setdefault(name, []).append(1000 * value)
    number, size = made(copies, islice(readers(9), 1000))
    full = EncodedCopyOf(copies).size()
    print(f"\n{len(edition.items)} stories: {full:,} octets the whole edition, {size // number:,} the mean copy")
    for some in (10_000, ours):
        print(f"{distinct(copies, some):,} choices differ among {some:,} readers")
    print(f"{'CPU ms per copy':<34}{'median':>10}{'(min - max)':>22}{'ours is':>10}")
    for name, values in found.items():
        ratio = median(theirs / mine for theirs, mine in zip(values, found["ours"], strict=True))
        spread = f"({min(values):.4f} - {max(values):.4f})"
        print(f"{name:<34}{median(values):>10.4f}{spread:>22}{f'{ratio:,.0f}x' if name != 'ours' else '':>10}")
    if len(edition.items) == 40:
        for name, told in (("ours", f"of {ours:,} readers as they come"), ("ours, all choices known", "choices known")):
            value = median(found[name])
            figure(f"one personal copy, CPU ms, {told}", value, "script, careful", "<= 0.03", met=value <= 0.03)
        for name, goal in (("script", 2000), ("careful", 300)):
            ratio = median(theirs / mine for theirs, mine in zip(found[name], found["ours"], strict=True))
            figure(f"against the {name} way", ratio, name, f">= {goal:,}", met=ratio >= goal)
    never_seen(edition, renderer)


def distinct(copies: Copies, count: int) -> int:
    """How many readers among so many have a choice that none before them had."""
    return len({(str(copies.picked(wanted)), wanted.length) for _, _, wanted in islice(readers(0), count)})


class EncodedCopyOf:
    """The copy of a reader who wants everything."""

    def __init__(self, copies: Copies) -> None:
        picked = copies.picked(Preferences())
        assert isinstance(picked, Picked)
        self.copy: EncodedCopy = copies.make(picked, 1, "Ada Chen", Preferences())

    def size(self) -> int:
        return len(b"".join([*self.copy.text, *self.copy.html]))


def never_seen(edition: Edition, renderer: Renderer) -> None:
    """A choice that nobody had before: its plan has to be made."""
    times = []
    for turn in range(3):
        copies = copies_of(edition, renderer)
        renderer._parts.clear()  # noqa: SLF001 - as for a revision that is new
        copies.make(Picked(1), 1, "", Preferences())
        chosen = [
            Picked(random.Random(turn * 1000 + number).getrandbits(len(edition.items)) | 1) for number in range(100)
        ]
        times.append(10 * cpu(lambda: [copies.make(one, 1, "", Preferences()) for one in chosen]))  # noqa: B023
    print(f"{'ours, any items nobody had before':<34}{median(times):>10.4f}")


def once(stories: int, limit: float) -> None:
    """The one-time work of a revision, for one language."""
    times = []
    for _ in range(5):
        edition = factory.large(stories)
        renderer = factory.renderer()
        renderer.parts(factory.large(1), language="en")  # a process that runs has its templates compiled
        times.append(1000 * cpu(lambda: renderer.parts(edition, language="en")))  # noqa: B023 - called at once
    print(f"one-time work, {stories} stories: {median(times):.0f} ms ({min(times):.0f} - {max(times):.0f})")
    figure(
        f"one-time work at {stories} stories, ms",
        median(times),
        "premailer alone 28-50 at 35 KB",
        f"<= {limit:,.0f}",
        met=median(times) <= limit,
    )


def memory(*, quick: bool) -> None:
    def peak(count: int) -> float:
        command = [sys.executable, "-m", "benchmarks.copies", "memory", str(count)]
        return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)

    many = 100_000 if quick else 1_000_000
    small, big = peak(10_000), peak(many)
    print(f"\nPeak memory: {small:.0f} MB after 10,000 copies, {big:.0f} MB after {many:,}")
    figure(f"memory at {many:,} copies, MB", big, "Django keeps all", "<= 150", met=big <= 150)
    figure("the same against 10,000 copies", big / small, "", "<= 1.1", met=big / small <= 1.1)


def stream(count: int) -> None:
    made(copies_of(factory.large(40), factory.renderer()), islice(readers(1), count))
    # Not getrusage: there a child begins with what its parent had at the fork.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    print(int(status.partition("VmHWM:")[2].split()[0]) / 1024)


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["memory"]:
        stream(int(arguments[1]))
        return
    quick = "--quick" in arguments
    ZoneInfo("Asia/Shanghai")
    for stories, limit in ((40, 100.0), (400, 1000.0)):
        once(stories, limit)
        side_by_side(factory.large(stories), quick=quick)
    if "--no-memory" not in arguments:
        memory(quick=quick)
    print(f"\n{'figure':<44}{'value':>10}  goal")
    for one in figures:
        print(f"{one['name']!s:<44}{one['value']!s:>10}  {one['goal']!s:<10}{'met' if one['met'] else 'MISSED'}")
    if "--json" in arguments:
        print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main(sys.argv[1:])
