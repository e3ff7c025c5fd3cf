"""What the fields of the forms offer, and why some of it cannot be chosen."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings

from engine.catalog.datasets import DATASETS
from engine.catalog.hosts import HOSTS
from engine.catalog.models import MODELS
from engine.catalog.targets import TARGETS

OTHER = "other"
FOLDER = "folder"

# Of torchvision's CIFAR10: where it unpacks the archive below the data folder.
_CIFAR10_FOLDER = "cifar-10-batches-py"


def model_choices(
    found: Sequence[tuple[str, str]] = (),
) -> list[tuple[str, Any]]:  # Any: Django's groups of choices
    """Return networks that searches found, the catalogue's, and the door to any other."""
    small = [(entry.id, entry.title) for entry in MODELS.values() if entry.small]
    large = [(entry.id, entry.title) for entry in MODELS.values() if not entry.small]
    return [
        *([("Found by searches", list(found))] if found else []),
        ("Small images", small),
        ("Large images", large),
        (OTHER, "Another, by name …"),
    ]


def target_choices(
    tables: Sequence[tuple[str, str]] = (),
) -> list[tuple[str, Any]]:  # Any: Django's groups of choices
    """Return a team's tables, hosts, and the catalogue's devices by what fewer bits gain there."""
    gaining = [(t.id, t.title) for t in TARGETS.values() if len(t.weight_bits) > 1]
    others = [(t.id, t.title) for t in TARGETS.values() if len(t.weight_bits) == 1]
    groups = [
        ("Your team's tables", list(tables)),
        ("This machine, as measured last", [(host.id, host.title) for host in HOSTS.values()]),
        ("Fewer bits save time or energy", gaining),
        ("One width: budget size or operations", others),
    ]
    return [(title, choices) for title, choices in groups if choices]


def dataset_choices() -> list[tuple[str, str]]:
    """Return the catalogue's data sets and the door to a folder of images."""
    return [
        *((entry.id, entry.title) for entry in DATASETS.values()),
        (FOLDER, "A folder of images on the worker …"),
    ]


def unavailable_datasets() -> dict[str, str]:
    """Return the data sets that a job could not read on this machine, each with the reason.

    Where workers have a disk of their own, this machine cannot tell, and nothing is refused.
    """
    if not settings.EMBEDDED or (settings.DATA_ROOT / _CIFAR10_FOLDER).is_dir():
        return {}
    return {
        "cifar10": f"CIFAR-10 is not on this machine: unpack cifar-10-python.tar.gz into "
        f"{settings.DATA_ROOT}."
    }


class SelectWithReasons(forms.Select):
    """A select whose unavailable options are disabled; the reasons stand beside the field."""

    def create_option(
        self, name: str, value: Any, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:  # Any: as Django's
        """Disable an option that cannot apply."""
        option = super().create_option(name, value, *args, **kwargs)
        if str(value) in unavailable_datasets():
            option["attrs"]["disabled"] = True
        return option


def style_widgets(form: forms.Form) -> None:
    """Give each widget the class of its look."""
    for field in form.fields.values():
        widget = field.widget
        if isinstance(widget, forms.Select):
            widget.attrs.setdefault("class", "form-select")
        elif not isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
            widget.attrs.setdefault("class", "form-control")
        if isinstance(widget, forms.NumberInput):
            widget.attrs.setdefault("inputmode", "numeric")
    if "limit" in form.fields:
        form.fields["limit"].widget.attrs |= {
            "step": "any",
            "inputmode": "decimal",
            "data-limit": "",
            "class": "form-control unit-input__control",
        }
    if "checkpoint" in form.fields:
        form.fields["checkpoint"].widget.attrs["accept"] = ".safetensors"
