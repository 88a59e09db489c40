"""What mail clients do not support: compiles caniemail's data into digest/render/mailclients.tsv.

Run by hand when the data has news:

    npm pack caniemail && tar xzf caniemail-*.tgz            # the data of caniemail.com (MIT), in any folder
    python -m tools.compile_mail_clients package/data/caniemail.json

A feature of theirs is a title ("flex-wrap: wrap", "<video> element"). Here it becomes rows that a program can match: a
kind, a name, the clients that drop it, and those that know a part of it, with the note that says which part.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

TARGET: Final = Path(__file__).parent.parent / "digest" / "render" / "mailclients.tsv"
# "windows-mail" is left out: Microsoft withdrew it in 2024.
CLIENTS: Final = (
    *("gmail.desktop-webmail", "gmail.ios", "gmail.android", "gmail.mobile-webmail"),
    *("outlook.windows", "outlook.macos", "outlook.outlook-com", "outlook.ios", "outlook.android"),
    *("apple-mail.macos", "apple-mail.ios"),
    *("yahoo.desktop-webmail", "yahoo.ios", "yahoo.android"),
)
_HEADER: Final = """\
# Made by tools/compile_mail_clients.py from caniemail.com's data of {date}. Do not edit.
# Copyright (c) 2019 HTeuMeuLeu and the contributors of caniemail, MIT licence: see mailclients.txt beside this file
# kind, name, feature, clients that do not support it, clients that support a part of it, which part
"""
# Features whose names do not say what to look for.
_ELEMENTS: Final = {
    "html-semantics": "article aside details figcaption figure footer header main mark nav section summary time",
    "html-h1-h6": "h1 h2 h3 h4 h5 h6",
    "html-lists": "ul ol dl",
    "html-image-maps": "map area",
    "html-svg": "svg",
    "html-base": "base",
    "html-address": "address",
}
_ATTRIBUTES: Final = {"html-srcset": "srcset sizes", "css-inert-attribute": "inert", "html-background": "background"}
_PAIRS: Final = {
    "html-anchor-links": "a href #",
    "html-mailto-links": "a href mailto:",
    "html-meta-color-scheme": "meta name color-scheme",
}
_PROPERTIES: Final = {
    "css-block-inline-size": "block-size inline-size",
    "css-border-inline-block": "border-inline border-block",
    "css-border-inline-block-individual": "border-block-end border-block-start border-inline-end border-inline-start",
    "css-border-inline-block-longhand": "border-block-color border-block-style border-block-width border-inline-color "
    "border-inline-style border-inline-width",
    "css-border-radius-logical": "border-end-end-radius border-end-start-radius border-start-end-radius "
    "border-start-start-radius",
    "css-color-scheme": "color-scheme",
    "css-column-layout-properties": "column-fill column-gap column-rule column-span column-width columns",
    "css-gap": "column-gap gap row-gap",
    "css-grid-template": "grid-template grid-template-areas grid-template-columns grid-template-rows",
    "css-left-right-top-bottom": "left right top bottom",
    "css-margin-block-start-end": "margin-block-end margin-block-start",
    "css-margin-inline-block": "margin-block margin-inline",
    "css-margin-inline-start-end": "margin-inline-end margin-inline-start",
    "css-padding-block-start-end": "padding-block-end padding-block-start",
    "css-padding-inline-block": "padding-block padding-inline",
    "css-padding-inline-start-end": "padding-inline-end padding-inline-start",
}
_WORDS: Final = {
    "css-intrinsic-size": "fit-content max-content min-content",
    "css-sytem-ui": "system-ui ui-serif ui-sans-serif ui-rounded ui-monospace",
    "css-unit-initial": "initial",
}
_FUNCTIONS: Final = {"css-variables": "var", "css-modern-color": "lch oklch lab oklab", "css-unit-calc": "calc"}
_SELECTORS: Final = {
    "css-pseudo-class-lang": ":lang",
    "css-selector-adjacent-sibling": "+",
    "css-selector-general-sibling": "~",
    "css-selector-child": ">",
    "css-selector-universal": "*",
    "css-selector-attribute": "[",
    "css-selector-chaining": ".a.b",
    "css-selector-id": "#",
    "css-nesting": "&",
}
# What every stylesheet has: a class, a list of selectors, a comment. Whoever lacks them lacks <style> as a whole.
_PASSED_OVER: Final = re.compile(
    r"css-selector-(?:class|type|descendant|grouping)|css-comments|html-comments|html-doctype"
)


def names(feature: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What to look for: pairs of kind and name."""
    slug, title = feature["slug"], feature["title"].strip()
    for table, kind in (
        (_ELEMENTS, "element"),
        (_ATTRIBUTES, "attribute"),
        (_PROPERTIES, "property"),
        (_WORDS, "word"),
        (_FUNCTIONS, "function"),
    ):
        if slug in table:
            yield from ((kind, name) for name in table[slug].split())
            return
    for table, kind in ((_PAIRS, "pair"), (_SELECTORS, "selector")):
        if slug in table:
            yield kind, table[slug]
            return
    if match := re.fullmatch(r'<(\w+) (\w+)="(\w+)"> element', title):
        yield "pair", f"{match[1]} {match[2]} {match[3]}"
    elif match := re.fullmatch(r"<(\w+)>(?: element)?", title):
        yield "element", match[1]
    elif match := re.fullmatch(r"([a-z-]+) attribute", title):
        yield "attribute", match[1]
    elif match := re.fullmatch(r"(:[a-z:-]+)(?:\(\))?", title):
        yield "selector", match[1]
    elif match := re.match(r"@media \(-?([a-z-]+)\)", title):
        yield "at-rule", f"media {match[1]}"
    elif match := re.fullmatch(r"@([a-z-]+)", title):
        yield "at-rule", match[1]
    elif match := re.fullmatch(r"([a-z-]+):\s*([a-z-]+)", title):
        yield "declaration", f"{match[1]}:{match[2]}"
    elif match := re.fullmatch(r"([a-z-]+)\(\)", title):
        yield "function", match[1]
    elif match := re.fullmatch(r"(%|[a-z]+) unit", title):
        yield "unit", match[1]
    elif match := re.fullmatch(r"(!?[a-z-]+) keyword", title):
        yield "word", match[1]
    elif feature["category"] == "css" and (match := re.fullmatch(r"([a-z-]+)(?: shorthand| property)?", title)):
        yield "property", match[1]


def support(feature: dict[str, Any]) -> tuple[list[str], list[str], str]:
    """Clients without it, clients with a part of it, and the notes on which part; of each client's last version."""
    missing, partial, notes = [], [], {}
    for client in CLIENTS:
        family, platform = client.split(".")
        versions = feature["stats"].get(family, {}).get(platform)
        if not versions:
            continue
        verdict = versions[max(versions)]
        if verdict.startswith("n"):
            missing.append(client)
        elif verdict.startswith("a"):
            partial.append(client)
            known = feature.get("notes_by_num") or {}
            notes.update({number: known[number] for number in re.findall(r"#(\d+)", verdict) if number in known})
    said = " ".join(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", notes[number]) for number in sorted(notes, key=int))
    return missing, partial, " ".join(said.split())


def main(path: Path) -> None:
    """Write the table."""
    data = json.loads(path.read_text(encoding="utf-8"))
    lines, unknown = [], []
    for feature in data["data"]:
        if feature["category"] not in {"html", "css"} or _PASSED_OVER.fullmatch(feature["slug"]):
            continue
        missing, partial, notes = support(feature)
        found = list(names(feature))
        if not found:
            unknown.append(feature["title"])
        rest = (feature["title"].strip(), ",".join(missing), ",".join(partial), notes)
        lines += ["\t".join((kind, name, *rest)).rstrip("\t") for kind, name in found]
    if unknown:
        print("not compiled:", "; ".join(unknown))
    header = _HEADER.format(date=data["last_update_date"][:10])
    TARGET.write_text(header + "\n".join(sorted(lines)) + "\n", encoding="utf-8")
    print(f"{len(lines)} rows in {TARGET.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
