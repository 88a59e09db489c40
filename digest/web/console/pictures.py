"""Plots as pictures: SVG without a script, for `<img>`; the same figures stand in a table beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
    "no_data_text": "nothing yet",
    "include_x_axis": True,
    "order_min": 0,  # what is counted has no fractions
}
_SCRIPT: Final = re.compile(rb"<script\b.*?</script>|<script\b[^>]*/>|<!--.*?-->", re.DOTALL)
_LABELS: Final = 12  # along the bottom


def bars(
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    stacked: bool = False,
    across: bool = False,
) -> bytes:
    """Bars, one per label and series; stacked on each other, or side by side; upright, or across the page.

    Args:
        title: what stands above.
        labels: of the bars.
        series: name -> a value for each label.
        stacked: a label's bars stand on each other.
        across: bars lie; for labels that are long words.
    """
    kind = f"{'Horizontal' if across else ''}{'Stacked' if stacked else ''}Bar"
    return _drawn(kind, title, labels, series)


def lines(title: str, labels: Sequence[str], series: Mapping[str, Sequence[float]]) -> bytes:
    """A line per series."""
    return _drawn("Line", title, labels, series, show_dots=False, stroke_style={"width": 2})


def _drawn(
    kind: str, title: str, labels: Sequence[str], series: Mapping[str, Sequence[float]], **more: object
) -> bytes:
    import pygal  # noqa: PLC0415 - takes long to load, and most pages show no plot
    from pygal.style import Style  # noqa: PLC0415 - same

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
    content: bytes = plot.render()
    return _SCRIPT.sub(b"", content)
