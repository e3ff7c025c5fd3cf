"""The page of one device: its facts, and what bits do there for a network of one's choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django import forms

from engine.catalog.baselines import uniform_policy
from engine.catalog.models import MODELS, layer_table, model_entry
from engine.cost.elasticity import savings
from engine.cost.pricing import cost_model
from engine.schema.cost import COUNTED_METRICS, PEAK_METRICS, Metric
from engine.schema.errors import InvalidConfig
from engine.schema.layers import ModelSpec
from engine.schema.target import Target
from webapp.charts.chart import Chart
from webapp.charts.quantities import QUANTITIES
from webapp.charts.savings import savings_chart
from webapp.charts.uniform_costs import UniformCosts, uniform_chart
from webapp.devices.facts import bits_text, limits_text, own_metrics

_MODEL = "mobilenet_v2"  # of the papers: their policies are of this network
_PAIR = ("bismo-edge", "bismo-cloud")  # the two whose policies HAQ holds against each other
_WIDTHS = range(8, 1, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePage:
    """Everything the page of a device shows."""

    target: Target
    facts: tuple[tuple[str, str], ...]
    form: "QuestionForm"
    charts: tuple[Chart, ...]
    problems: tuple[str, ...]  # why a device has no price for the network


class QuestionForm(forms.Form):
    """Which network is looked at, by which metric, and which device stands beside."""

    model = forms.ChoiceField(label="Network", required=False)
    metric = forms.ChoiceField(label="Metric", required=False)
    beside = forms.ChoiceField(label="Beside", required=False)

    def __init__(
        self, data: Any, *, target: Target, others: Sequence[Target]
    ) -> None:  # Any: QueryDict
        super().__init__(data, auto_id="ask_%s")
        self._target = target
        self._others = {other.id: other for other in others if other.id != target.id}
        self._offer("model", [(entry.id, entry.title) for entry in MODELS.values()])
        self._offer("metric", [(m, QUANTITIES[m].title) for m in _askable(target)])
        self._offer("beside", [("", "no other"), *((o.id, o.title) for o in self._others.values())])
        self.is_valid()

    @property
    def asked_model(self) -> str:
        """The network; where nothing that exists was asked for, the papers' own."""
        return self.cleaned_data.get("model") or _MODEL

    @property
    def asked_metric(self) -> Metric:
        """The metric; the device's own first where nothing that exists was asked for."""
        return cast(Metric, self.cleaned_data.get("metric") or _askable(self._target)[0])

    @property
    def beside_target(self) -> Target | None:
        """The device beside; the one that the papers hold against it where nobody chose."""
        if "beside" in self.data:
            return self._others.get(self.cleaned_data.get("beside", ""))
        return next((self._others[each] for each in _PAIR if each in self._others), None)

    def show_asked(self) -> None:
        """Let the fields say what is shown, also where nothing was asked."""
        other = self.beside_target
        self.data = {
            "model": self.asked_model,
            "metric": self.asked_metric,
            "beside": other.id if other else "",
        }

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = cast(forms.ChoiceField, self.fields[name])
        field.choices = choices
        field.widget.attrs["class"] = "form-select"


def device_page(
    target: Target, others: Sequence[Target], data: Any
) -> DevicePage:  # Any: QueryDict
    """Return the page of a device, with what the URL asks of it."""
    form = QuestionForm(data, target=target, others=others)
    model_id, metric, beside = form.asked_model, form.asked_metric, form.beside_target
    form.show_asked()
    spec = layer_table(model_id, None)
    assert spec is not None, f"{model_id} is of the catalogue"
    priced, problems = _priced([target, *([beside] if beside else [])], spec, metric)
    title = model_entry(model_id).title
    return DevicePage(
        target=target,
        facts=_facts(target),
        form=form,
        charts=_charts(priced, spec, metric, title) if target.title in priced else (),
        problems=tuple(problems),
    )


def _askable(target: Target) -> list[Metric]:
    """Return the metrics that bits change, the device's own first."""
    counted = [m for m in COUNTED_METRICS if m != "macs" and m not in PEAK_METRICS]
    return [*own_metrics(target), *counted]


def _priced(
    targets: Sequence[Target], spec: ModelSpec, metric: Metric
) -> tuple[dict[str, Target], list[str]]:
    """Return the targets that have a price for the network, by title, and why others have none."""
    priced: dict[str, Target] = {}
    problems = []
    for target in targets:
        if target.formula == "table" and target.cost_table is None:
            problems.append(f"{target.title}: {target.validation}")
            continue
        try:
            cost_model(target).cost_table(spec.layers, metric)
        except InvalidConfig as error:
            problems.append(f"{target.title}: {error.message}.")
        else:
            priced[target.title] = target
    return priced, problems


def _charts(
    priced: Mapping[str, Target], spec: ModelSpec, metric: Metric, network: str
) -> tuple[Chart, ...]:
    models = {title: cost_model(target) for title, target in priced.items()}
    return (
        savings_chart(
            {title: savings(spec, model, metric) for title, model in models.items()},
            metric,
            network=network,
        ),
        uniform_chart(
            {title: _uniform_costs(target, spec) for title, target in priced.items()},
            metric,
            network=network,
        ),
    )


def _uniform_costs(target: Target, spec: ModelSpec) -> UniformCosts:
    model = cost_model(target)
    in_float = model.network_cost(spec, None)
    tells_float = all(metric in in_float for metric in own_metrics(target))
    return UniformCosts(
        by_bits={
            bits: model.network_cost(spec, uniform_policy(spec, bits, bits)) for bits in _WIDTHS
        },
        in_float=in_float if tells_float else None,
    )


def _facts(target: Target) -> tuple[tuple[str, str], ...]:
    images = "image" if target.batch == 1 else "images"
    facts = {
        "Id": target.id,
        "Tells": ", ".join(QUANTITIES[metric].title for metric in target.metrics),
        "Bits it gains from": bits_text(target),
        "Floating point": f"{target.float_bits} bits" if target.float_bits else "none",
        "Batch": f"{target.batch} {images} a run; latency and energy are of the run",
        "Holds": "; ".join(limits_text(target)),
        "Source": target.source,
    }
    return tuple((term, text) for term, text in facts.items() if text)
