"""What is read of returned mail, on a corpus that lies outside this repository.

    python -m benchmarks.bounces FOLDER [--harmless FOLDER] [--json]

FOLDER is flufl.bounce's source distribution, unpacked (its tests say which addresses each sample holds), or any folder
of mails: then it is counted in how many of them a bounced address is found. In the mails of `--harmless` (vacation,
receipts, letters) none may be. And of all mails none may suppress an address for a fault of ours: each sample whose
words speak of policy, spam, size or a full mailbox must not come out as "hard".
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

from digest.deliver import Returned, marks
from digest.deliver.bounces import LIMIT, read_returned

_OURS = re.compile(rb"\b5\.7\.\d|spam|quota|mailbox (is )?full|dnsbl|blacklist|message size", re.IGNORECASE)


def expectations(folder: Path) -> dict[Path, set[str]]:
    """What flufl.bounce's own tests expect of each sample: both failures and delays."""
    tests = folder / "tests" / "test_detectors.py"
    wanted: dict[Path, set[str]] = {}
    if tests.is_file():
        for node in ast.parse(tests.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DETECTORS":
                for _, name, addresses, _ in ast.literal_eval(node.value):
                    known = wanted.setdefault(folder / "tests" / "data" / name, set())
                    known |= {address.decode().casefold() for address in addresses}
    return wanted


def found_in(letter: bytes) -> tuple[set[str], Counter[str]]:
    """Addresses that did not get their mail (yet), and the causes of those that never will."""
    found = read_returned(letter[:LIMIT])
    if not isinstance(found, Returned):
        return set(), Counter()
    addresses = {one.recipient.casefold() for one in found.bounces} | {one.casefold() for one in found.delayed}
    return addresses, Counter(one.cause.value for one in found.bounces)


def measure(folder: Path, harmless: Path | None) -> dict[str, object]:
    wanted = expectations(folder)
    files = sorted(wanted) or sorted(path for path in folder.rglob("*") if path.is_file())
    right = total = mails = marked = wrongly = 0
    causes: Counter[str] = Counter()
    seconds = []
    for path in files:
        letter = path.read_bytes()
        began = time.perf_counter()
        addresses, why = found_in(letter)
        seconds.append(time.perf_counter() - began)
        causes += why
        mails += bool(addresses)
        right += len(addresses & wanted.get(path, addresses))
        total += len(wanted.get(path, addresses))
        speaks = marks(letter[:LIMIT], "bounce+{token}@example.com", "https://weekly.example.com")
        marked += bool(speaks.return_paths or speaks.links)
        wrongly += bool(why["hard"] and _OURS.search(letter.partition(b"\n\n")[2][:1500]))
    innocent = sorted(path for path in harmless.rglob("*") if path.is_file()) if harmless else []
    counted = sum(bool(found_in(path.read_bytes())[1]) for path in innocent)
    return {
        "mails": len(files),
        "mails_with_an_address": mails,
        "addresses": right,
        "of": total,
        "causes": dict(causes),
        "hard_though_they_speak_of_our_fault": wrongly,
        "with_a_mark_of_ours": marked,
        "harmless": len(innocent),
        "harmless_counted": counted,
        "median_ms": round(1000 * statistics.median(seconds), 2) if seconds else 0.0,
        "slowest_ms": round(1000 * max(seconds, default=0.0), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="What is read of returned mail.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--harmless", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures = measure(given.folder, given.harmless)
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):40} {value}")
    if given.json:
        print(json.dumps(figures))
    sys.exit(0 if figures["addresses"] == figures["of"] and not figures["harmless_counted"] else 1)


if __name__ == "__main__":
    main()
