"""The dashboard as Grafana imports it, made by Grafana's own SDK: the same sections give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from grafana_foundation_sdk.builders import bargauge, heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import common as options
from grafana_foundation_sdk.builders import dashboard as grafana
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from pack2.config import Monitoring
from pack2.monitoring.panels import Limits, Panel, sections

COLUMNS: Final = 24
HEIGHTS: Final = {"stat": 4, "lines": 8, "heatmap": 8, "ranking": 8}
SOURCE: Final = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")


def render(monitoring: Monitoring) -> bytes:
    """The JSON of the dashboard of `monitoring.job`."""
    board = (
        grafana.Dashboard(f"{monitoring.job}: performance")
        .uid(uid(monitoring))
        .description("Made by `pack2 monitoring build` from pack2.toml; changes made here are overwritten.")
        .tags(["pack2"])
        .timezone("browser")
        .refresh("30s")
        .time("now-1h", "now")
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .with_variable(grafana.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .annotation(
            grafana.AnnotationQuery()
            .name("Alerts")
            .datasource(SOURCE)
            .enable(True)
            .icon_color("red")
            .expr(f'ALERTS{{job="{monitoring.job}", alertstate="firing"}}')
        )
    )
    top = 0
    for number, section in enumerate(sections(monitoring), 1):
        board.with_row(
            grafana.Row(section.title)
            .id(100 * number)
            .grid_pos(dashboard.GridPos(h=1, w=COLUMNS, x=0, y=top))
        )
        top += 1
        for index, (panel, position) in enumerate(placed(section.panels, top), 1):
            board.with_panel(_drawn(panel).id(100 * number + index).grid_pos(position))
            bottom = position.y + position.h
        top = bottom
    return json.dumps(board.build(), cls=JSONEncoder, indent=1, sort_keys=True).encode() + b"\n"


def uid(monitoring: Monitoring) -> str:
    """What Grafana knows the dashboard by."""
    return f"pack2-{monitoring.job}"


def placed(panels: Iterable[Panel], top: int) -> Iterator[tuple[Panel, dashboard.GridPos]]:
    """Panels from left to right, in lines as high as their highest panel."""
    left = bottom = 0
    for panel in panels:
        height = HEIGHTS[panel.kind]
        if left + panel.columns > COLUMNS:
            left, top = 0, bottom
        yield panel, dashboard.GridPos(h=height, w=panel.columns, x=left, y=top)
        left += panel.columns
        bottom = max(bottom, top + height)


def _drawn(panel: Panel) -> Any:
    drawn: Any = _KINDS[panel.kind]()
    drawn.title(panel.title).datasource(SOURCE).unit(panel.unit)
    if panel.text:
        drawn.description(panel.text)
    if panel.limits:
        drawn.thresholds(_limits(panel.limits))
    for letter, query in zip("ABCDEFGH", panel.queries, strict=False):
        asked = prometheus.Dataquery().ref_id(letter).expr(query.expression).datasource(SOURCE)
        if query.legend:
            asked.legend_format(query.legend)
        if panel.kind == "ranking":
            asked.instant()
        else:
            asked.range()
        if panel.kind == "heatmap":
            asked.format(PromQueryFormat.HEATMAP)
        drawn.with_target(asked)
    return drawn


def _limits(limits: Limits) -> grafana.ThresholdsConfig:
    """Green, yellow, red in the direction in which the limits go."""
    warns, alarms = limits
    if warns < alarms:
        steps = [(None, "green"), (warns, "yellow"), (alarms, "red")]
    else:
        steps = [(None, "red"), (alarms, "yellow"), (warns, "green")]
    return (
        grafana.ThresholdsConfig()
        .mode(dashboard.ThresholdsMode.ABSOLUTE)
        .steps([dashboard.Threshold(value=value, color=colour) for value, colour in steps])
    )


def _stat() -> stat.Panel:
    return (
        stat.Panel()
        .graph_mode(common.BigValueGraphMode.AREA)
        .reduce_options(options.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def _lines() -> timeseries.Panel:
    legend = (
        options.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    return timeseries.Panel().min(0).fill_opacity(10).legend(legend)


def _heatmap() -> heatmap.Panel:
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues").steps(64)
    return heatmap.Panel().calculate(False).color(colours).y_axis(heatmap.YAxisConfig().unit("s"))


def _ranking() -> bargauge.Panel:
    return (
        bargauge.Panel()
        .min(0)
        .orientation(common.VizOrientation.HORIZONTAL)
        .reduce_options(options.ReduceDataOptions().calcs(["lastNotNull"]))
    )


_KINDS: Final[dict[str, Callable[[], Any]]] = {
    "stat": _stat,
    "lines": _lines,
    "heatmap": _heatmap,
    "ranking": _ranking,
}
