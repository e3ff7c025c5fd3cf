"""The charts of a running job, by the job's kind.

A new live chart is one `LiveChart` in the file of its kind.
"""

from webapp.charts.live_chart import LiveChart
from webapp.charts.live_quantize import QUANTIZE_CHARTS

LIVE_CHARTS: dict[str, tuple[LiveChart, ...]] = {"quantize": QUANTIZE_CHARTS}
