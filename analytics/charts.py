"""What the browser draws: ECharts options made on the server (see the chart tag), words already translated."""

from analytics.metrics import Metric
from analytics.queries import Counts
from contacts.enums import ChannelKind, Stage
from scrm.core import formats


def trend(data: Counts, metric: Metric) -> tuple[dict[str, object], str]:
    """Stacked bars by day: one series per channel, per stage for stage changes. And the sentence for screen readers."""
    if metric.key == "stage":
        names = {stage.value: str(stage.label) for stage in Stage}
        lines = [(names.get(key, key), data.by_day(metric.key, detail=key)) for key in data.split(metric.key, "detail")]
    else:
        names = {kind.value: str(kind.label) for kind in ChannelKind}
        lines = [
            (names.get(key, key), data.by_day(metric.key, channel=key)) for key in data.split(metric.key, "channel")
        ]
    option = {
        "grid": {"left": 4, "right": 8, "top": 32, "bottom": 0, "containLabel": True},
        "legend": {"top": 0, "left": 0},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "xAxis": {
            "type": "category",
            "data": [f"{day.month}-{day.day}" for day in data.period.days],
            "splitLine": {"show": False},
        },
        "yAxis": {"type": "value", "minInterval": 1, "axisLine": {"show": False}},
        "series": [
            {"name": name, "type": "bar", "stack": "all", "barMaxWidth": 18, "data": values}
            for name, values in lines
            if any(values)
        ],
    }
    return option, f"{metric.name}: {formats.count(data.total(metric.key))}"
