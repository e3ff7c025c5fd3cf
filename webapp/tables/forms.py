"""The form that takes a table in: a file, and what a file of its kind does not say of itself."""

from typing import Any, cast, get_args

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.text import slugify

from engine.catalog.datasets import DATASETS, dataset_entry
from engine.catalog.models import MODELS, layer_table
from engine.cost.imported_rows import TimeUnit
from engine.cost.table_coverage import model_coverage
from engine.cost.table_import import TableFacts, format_of, parse_table
from engine.schema.cost_table import CostTable
from engine.schema.errors import InvalidConfig, InvalidTable
from engine.schema.layers import ModelSpec
from webapp.accounts.models import User
from webapp.tables import services
from webapp.tables.document import checked_document
from webapp.tables.models import TableDraft
from webapp.teams.models import Team
from webapp.teams.queries import teams_of

_MIB = 2**20
_LONGEST_NAME = 48
_UNITS: dict[TimeUnit, str] = {
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "s": "seconds",
    "cycles": "clock cycles",
}
# Where an error about a fact is shown, if the names differ.
_FORM_FIELD = {"clock_hz": "clock_mhz", "name": "title"}
_OF_THE_FILE = ("is ", "has ", "holds ", "comes ")  # how errors begin that name no row


class TableForm(forms.Form):
    """What one says to add a table. A file of Bespoke's own format says it all by itself."""

    file = forms.FileField(
        label="File",
        help_text="A .json table of Bespoke’s own, HAQ’s .npy, a .yaml of ProxylessNAS or "
        "Once-for-all, or a .csv with named columns.",
        error_messages={
            "required": "Choose the file that has the times.",
            "empty": "The file is empty; choose the one that has the times.",
        },
    )
    title = forms.CharField(
        label="Device",
        required=False,
        max_length=120,
        help_text="What your team calls it, such as Jetson Nano, 5 W. A .json table has its own.",
    )
    source = forms.CharField(
        label="Who measured it, and how",
        required=False,
        max_length=300,
        help_text="Shown wherever its numbers stand: the runtime, the clock, the day.",
    )
    batch = forms.IntegerField(
        label="Batch", initial=1, required=False, help_text="Images that one time is for."
    )
    unit = forms.ChoiceField(
        label="Unit of its times", choices=list(_UNITS.items()), initial="ms", required=False
    )
    clock_mhz = forms.FloatField(
        label="Clock in MHz", required=False, help_text="Where times are clock cycles."
    )
    network = forms.ChoiceField(
        label="Network whose layers it has",
        required=False,
        choices=[("", "No single one"), *((entry.id, entry.title) for entry in MODELS.values())],
        help_text="HAQ’s arrays name no layers: choose the network they are of.",
    )
    dataset = forms.ChoiceField(
        label="On the data set",
        required=False,
        choices=[
            ("", "As the network was made"),
            *((entry.id, entry.title) for entry in DATASETS.values()),
        ],
    )
    team = forms.ModelChoiceField(label="Team", queryset=Team.objects.none(), empty_label=None)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:  # Any: as Django's Form
        super().__init__(*args, **kwargs)
        self._user = user
        self.table: CostTable | None = None  # once the form is valid
        teams = teams_of(user)
        cast(forms.ModelChoiceField, self.fields["team"]).queryset = teams  # type: ignore[type-arg] # any team
        self.fields["team"].initial = teams.first()
        self.fields["file"].widget.attrs["accept"] = ".npy,.yaml,.yml,.csv,.json"
        for field in self.fields.values():
            is_select = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if is_select else "form-control"

    def clean(self) -> dict[str, Any]:  # Any: Django's cleaned data
        """Read the table; what stands against it is shown at its field."""
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            self.table = self._read(cast("UploadedFile[bytes]", cleaned["file"]))
            checked_document(self.table)
        except InvalidConfig as error:
            self._add(error)
        return cleaned

    def keep(self) -> TableDraft | None:
        """Lay the table aside to be looked at; None: something stands against it."""
        if not self.is_valid():
            return None
        assert self.table is not None  # what `clean` leaves without an error
        return services.keep_draft(
            team=self.cleaned_data["team"],
            made_by=self._user,
            table=self.table,
            file_name=self.cleaned_data["file"].name,
        )

    def _add(self, error: InvalidConfig) -> None:
        """Show what stands against the table: a fact at its field, all else at the file's."""
        name = _FORM_FIELD.get(error.field, error.field)
        if name in self.fields and not self.is_document:
            self.add_error(name, _sentence(error.message))
        elif isinstance(error, InvalidTable):
            said = error.message
            self.add_error(
                "file", _sentence(f"the file {said}" if said.startswith(_OF_THE_FILE) else said)
            )
        else:  # a field of a document, by its path
            self.add_error("file", _sentence(str(error)))

    @property
    def is_document(self) -> bool:
        """Whether the file is a table of Bespoke's own, which says all of itself."""
        return str(self.cleaned_data["file"].name).lower().endswith(".json")

    def _read(self, file: "UploadedFile[bytes]") -> CostTable:
        size, most = file.size or 0, settings.TABLE_LIMIT_MB
        if size > most * _MIB:
            raise InvalidTable(f"has {size / _MIB:.1f} MiB; a table may have at most {most} MiB")
        file_format = format_of(file.name or "")
        data = file.read()
        if self.is_document:
            return parse_table(data, file_format="json", facts=TableFacts(name="unused"))
        facts = self._facts()
        table = parse_table(data, file_format=file_format, facts=facts)
        if facts.network is not None:
            _check_of(table, facts.network)
        return table

    def _facts(self) -> TableFacts:
        said = self.cleaned_data
        title = said["title"].strip()
        if not title:
            raise InvalidConfig("title", "say which device this is; the file does not")
        clock_mhz = said["clock_mhz"]
        return TableFacts(
            name=slugify(title)[:_LONGEST_NAME].strip("-_") or "table",
            title=title,
            source=said["source"].strip(),
            batch=1 if said["batch"] is None else said["batch"],
            unit=_unit(said["unit"]),
            clock_hz=None if clock_mhz is None else clock_mhz * 1e6,
            network=self._network(),
        )

    def _network(self) -> ModelSpec | None:
        said = self.cleaned_data
        if not said["network"]:
            return None
        dataset = dataset_entry(said["dataset"]) if said["dataset"] else None
        spec = layer_table(said["network"], dataset)
        if spec is None:
            raise InvalidConfig("dataset", "its images do not fit this network; choose others")
        return spec


def _unit(said: str) -> TimeUnit:
    for unit in get_args(TimeUnit):
        if unit == said:
            return unit  # type: ignore[no-any-return] # get_args forgets the literal
    return "ms"


def _check_of(table: CostTable, network: ModelSpec) -> None:
    """Check that a table has at least one row of the network that it is said to be of."""
    found = model_coverage(table, network)
    if found.covered == 0:
        raise InvalidTable(
            f"has no row of {network.model}, whose first shape is {found.holes[0]}: it is another "
            "network's table"
        )


def _sentence(said: str) -> str:
    return said[:1].upper() + said[1:] + ("" if said.endswith(".") else ".")
