"""Plots as pictures: SVG without a script, for `<img>`; the same figures stand in a table beside it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

_COLOURS: Final = ("#2f6f4f", "#c98a1b", "#b3372f", "#4a6fa5", "#7a5195", "#6b7280")
_SIZE: Final[Mapping[str, Any]] = {
    "width": 760,
    "height": 260,
    "js": (),  # no script: the picture stands still
    "disable_xml_declaration": False,
    "pretty_print": False,
    "show_minor_x_labels": False,
    "legend_at_bottom": True,
    "legend_at_bottom_columns": 6,
    "margin": 8,
    "margin_bottom": 34,  # the legend stands below what the labels take
    "truncate_label": -1,  # no label is cut: every few of them is shown
    "no_data_text": "nothing yet",
    "include_x_axis": True,
    "order_min": 0,  # what is counted has no fractions
}
_SCRIPT: Final = re.compile(rb"<script\b.*?</script>|<script\b[^>]*/>|<!--.*?-->", re.DOTALL)
# Colours that are as easy to tell apart on a dark page.
_NIGHT: Final = ("#6fcf97", "#f2b35e", "#ff8a80", "#8ab4f0", "#c9a3f0", "#b9bfc9")
_DARK: Final = (
    "<style>.guides{stroke:#9ca3af!important;stroke-opacity:.5}@media (prefers-color-scheme: dark){"
    + "".join(f".color-{place}{{fill:{tone}!important;stroke:{tone}!important}}" for place, tone in enumerate(_NIGHT))
    + "text{fill:#b9bfc9!important;stroke:none!important}}</style>"
).encode()
_LABELS: Final = 12  # along the bottom


def bars(
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    stacked: bool = False,
    across: bool = False,
    said: str = "",
) -> bytes:
    """Bars, one per label and series; stacked on each other, or side by side; upright, or across the page.

    Figures below zero hang from the line, and are said without their sign.

    Args:
        title: what stands above.
        labels: of the bars.
        series: name -> a value for each label.
        stacked: a label's bars stand on each other.
        across: bars lie; for labels that are long words.
        said: what is to be seen, in a sentence, for who does not see it.
    """
    kind = f"{'Horizontal' if across else ''}{'Stacked' if stacked else ''}Bar"
    return _drawn(kind, title, labels, series, said=said)


def lines(title: str, labels: Sequence[str], series: Mapping[str, Sequence[float]]) -> bytes:
    """A line per series."""
    return _drawn("Line", title, labels, series, show_dots=False, stroke_style={"width": 2})


def _drawn(
    kind: str,
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    said: str = "",
    **more: object,
) -> bytes:
    import pygal  # noqa: PLC0415 - takes long to load, and most pages show no plot
    from pygal.style import Style  # noqa: PLC0415 - same

    # Its finder of plug-ins is of a form that Python has given up, and warns at every later import.
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)]
    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground="#6b7280",
        foreground_strong="#6b7280",
        foreground_subtle="#9ca3af",
        colors=_COLOURS,
        font_family="system-ui, sans-serif",
        label_font_size=13,
        major_label_font_size=13,
        legend_font_size=13,
        title_font_size=15,
        no_data_font_size=15,
        opacity=".9",
        transition="0s",
    )
    plot = getattr(pygal, kind)(style=style, title=title, **{**_SIZE, **more}, show_legend=len(series) > 1)
    plot.x_labels = list(labels)
    plot.x_labels_major = list(labels)[:: max(1, -(-len(labels) // _LABELS))]
    for name, values in series.items():
        plot.add(name, list(values))
    plot.value_formatter = lambda value: f"{abs(value):,.10g}"
    content: bytes = _SCRIPT.sub(b"", plot.render())
    head, defs, rest = content.partition(b"<defs>")  # below the viewer's own settings, and in words
    named = f"<desc>{escape(said)}</desc>".encode() if said else b""
    return b"".join((head, named, defs, _DARK, rest))
