"""Lists of feeds (OPML 1.0, 1.1, 2.0) by lxml: no entity is expanded, nothing is loaded."""

from __future__ import annotations

from typing import Any, Final

from lxml import etree

_MOST: Final = 20_000


def parse(data: bytes) -> dict[str, Any]:
    """The outlines of a list.

    Returns:
        {"outlines": [{"line", "title", "url", "page", "kind"}], "problem": str, "line": int | None}; `url` is "" where
        an outline names no feed and has none below it. A document type declaration is a problem: an honest list has
        none, and entities come by it.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        return {"outlines": [], "problem": f"not well-formed: {error.msg}", "line": error.lineno}
    if root.getroottree().docinfo.internalDTD is not None:
        return {"outlines": [], "problem": "it declares a document type", "line": 1}
    if etree.QName(root).localname.lower() != "opml":
        return {
            "outlines": [],
            "problem": f"not an OPML list: <{etree.QName(root).localname}>",
            "line": root.sourceline,
        }
    outlines = []
    for node in root.iter("{*}outline"):
        fields = {str(name).lower(): str(value).strip() for name, value in node.attrib.items()}
        if not fields.get("xmlurl") and len(node):
            continue  # a folder
        outlines.append(
            {
                "line": node.sourceline,
                "title": fields.get("title") or fields.get("text") or "",
                "url": fields.get("xmlurl", ""),
                "page": fields.get("htmlurl", ""),
                "kind": fields.get("type", "").lower(),
            }
        )
        if len(outlines) >= _MOST:
            break
    return {"outlines": outlines, "problem": "", "line": None}
