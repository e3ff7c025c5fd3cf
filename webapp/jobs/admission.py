"""Whether a config may be queued: everything it names exists, and the team may use it."""

from pathlib import Path
from typing import BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage

from engine.catalog.checkpoint_header import check_header
from engine.catalog.datasets import FOLDER_PREFIX, dataset_entry
from engine.catalog.models import model_entry
from engine.catalog.search_split import check_search_images
from engine.catalog.spaces import SPACES
from engine.cost.pricing import cost_model
from engine.cost.space_costs import pricing_bits, space_costs
from engine.schema.architecture import SearchSpace
from engine.schema.configs import Config
from engine.schema.errors import BudgetUnreachable, InvalidConfig
from engine.schema.layers import ModelSpec
from engine.schema.profile_config import ProfileConfig
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.search_config import SearchConfig
from engine.solver.contradiction import check_together
from engine.solver.reach import check_question
from engine.solver.space_problem import space_problem
from webapp.jobs.found_networks import fitted_network, is_found_network
from webapp.jobs.models import CheckpointUpload, ModelDescription
from webapp.jobs.profile_plan import subject_parts
from webapp.jobs.queries import model_spec
from webapp.jobs.search_space import space_of
from webapp.tables.targets import check_covered, targets_of
from webapp.teams.models import Team

UPLOAD_PREFIX = "upload:"


def check_admissible(config: Config, team: Team) -> None:
    """Check what can be known of a config without running it.

    Raises:
        InvalidConfig: a field names something that does not exist or that the team may not use.
        BudgetUnreachable: no policy or network meets a budget.
        BudgetsContradict: two budgets can be met alone and not together.
    """
    if config.dataset:
        check_folder(config.dataset)
        dataset_entry(config.dataset)
    match config:
        case ProfileConfig():
            _check_profile(config)
        case QuantizeConfig():
            _check_quantize(config, team)
        case SearchConfig():
            _check_search(config, team)


def _check_profile(config: ProfileConfig) -> None:
    if config.subject not in SPACES:
        model_entry(config.subject)
    subject_parts(config)


def _check_search(config: SearchConfig, team: Team) -> None:
    target, space = targets_of(team).entry(config.target), space_of(config)
    check_covered(target, space)
    model = cost_model(target)
    check_search_images(
        config, images=dataset_entry(config.dataset).search_images, classes=space.classes
    )
    bits = pricing_bits(config, model.target)
    tables = [space_costs(space, model, budget.metric, bits) for budget in config.budgets]
    for table, budget in zip(tables, config.budgets, strict=True):
        if budget.limit < table.lowest:
            raise BudgetUnreachable(metric=budget.metric, limit=budget.limit, lowest=table.lowest)
    check_together(space_problem(tables), config.budgets)


def _check_quantize(config: QuantizeConfig, team: Team) -> None:
    target = targets_of(team).entry(config.target)
    upload = upload_of(config.checkpoint, team)
    spec = _spec_of(config, team)
    check_covered(target, spec)
    check_question(config, spec, cost_model(target))
    if upload is not None:
        with default_storage.open(upload.storage_name, "rb") as file:
            check_header(cast(BinaryIO, file), spec)  # Django's File reads and seeks like one


def subject_of(config: QuantizeConfig | SearchConfig, team: Team) -> ModelSpec | SearchSpace:
    """Return the network or space that a config asks about.

    Raises:
        InvalidConfig: it is not there, or not described yet.
    """
    return space_of(config) if isinstance(config, SearchConfig) else _spec_of(config, team)


def _spec_of(config: QuantizeConfig, team: Team) -> ModelSpec:
    if is_found_network(config.model):
        found = fitted_network(config.model, config.dataset, team.jobs.all())
        # What is missing is told now, not by the worker.
        for role in ("architecture", *(["checkpoint"] if config.checkpoint is None else [])):
            found.file(role)
        return found.spec
    model_entry(config.model)
    spec = model_spec(config.model, config.dataset)
    if not isinstance(spec, ModelSpec):
        raise InvalidConfig("model", _why_not_described(spec))
    return spec


def check_folder(dataset_id: str) -> None:
    """Check that an image folder lies where jobs may read. Other data sets pass.

    Raises:
        InvalidConfig: it lies elsewhere.
    """
    if not dataset_id.startswith(FOLDER_PREFIX):
        return
    # Links are followed first: a link inside a permitted root may lead out of it.
    folder = Path(dataset_id.removeprefix(FOLDER_PREFIX)).resolve()
    roots = [Path(root).resolve() for root in settings.DATA_FOLDERS]
    if not any(folder.is_relative_to(root) for root in roots):
        places = ", ".join(str(root) for root in roots)
        raise InvalidConfig("dataset", f"image folders must lie below {places}, got {folder}")


def upload_of(checkpoint: str | None, team: Team) -> CheckpointUpload | None:
    """Return the uploaded weights that a config names; None: it names none.

    Raises:
        InvalidConfig: it names a path, or an upload that is not the team's.
    """
    if checkpoint is None:
        return None
    if not checkpoint.startswith(UPLOAD_PREFIX):
        raise InvalidConfig("checkpoint", "upload the file; paths on the server are not read")
    try:
        upload_id = UUID(checkpoint.removeprefix(UPLOAD_PREFIX))
    except ValueError:
        raise InvalidConfig("checkpoint", f"{checkpoint!r} is no upload; choose one") from None
    upload = CheckpointUpload.objects.filter(pk=upload_id, team=team).first()
    if upload is None:
        raise InvalidConfig("checkpoint", "the upload is not there any more; upload it again")
    return upload


def _why_not_described(description: ModelDescription) -> str:
    if description.status == ModelDescription.Status.FAILED:
        return description.error_text
    return "its layers are still being described by a worker; try again in a moment"
