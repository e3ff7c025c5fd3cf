"""Where float weights come from, in which order, and what is kept of a training."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from engine.data.splits import Splits
from engine.nn.build import build_model
from engine.nn.describe import describe
from engine.nn.efficientnet_lite import package_weights
from engine.nn.weights import save_weights
from engine.schema.config_parts import TrainingRecipe
from engine.schema.errors import InvalidConfig
from engine.schema.events import EpochFinished, Event, LogLine, Progress
from engine.schema.layers import InputSpec, ModelSpec
from engine.schema.places import Places
from engine.training import float_weights as module
from engine.training.float_weights import FloatWeights, WeightsRequest, obtain_float_weights
from engine.training.interrupt import Interrupt, Stopped
from engine.training.train import Trainer
from tests.engine.toys import CPU, make_toy_images

MODEL = "mobilenet_v1_small@0.1"
INPUT = InputSpec(channels=1, size=32)
RECIPE = TrainingRecipe(epochs=2, batch_size=16, learning_rate=0.02)


@dataclass
class Run:
    """One run's way to its weights."""

    model: nn.Module
    weights: FloatWeights | None = None
    events: list[Event] = field(default_factory=list)

    @property
    def state(self) -> dict[str, Tensor]:
        return self.model.state_dict()

    @property
    def was_trained(self) -> bool:
        return any(isinstance(event, EpochFinished) for event in self.events)

    @property
    def log(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, LogLine)]


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    model = build_model(MODEL, input=INPUT, classes=2)
    return describe(model, model_id=MODEL, input=INPUT, classes=2)


@pytest.fixture
def request_(spec: ModelSpec) -> WeightsRequest:
    return WeightsRequest(spec=spec, dataset="toys", recipe=RECIPE)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(data_root=tmp_path / "data", weights_store=tmp_path / "store")


def toy_splits(*, seed: int = 0, channels: int = 1, size: int = 32, classes: int = 2) -> Splits:
    images = [
        make_toy_images(48, channels=channels, size=size, seed=seed + number) for number in range(3)
    ]
    train, search, report = images
    return Splits(train=train, search=search, report=report, classes=classes, notes=())


def obtain(
    request: WeightsRequest,
    places: Places,
    *,
    splits: Splits | None = None,
    on_event: Callable[[Event, Interrupt], None] = lambda event, interrupt: None,
) -> Run:
    spec = request.spec
    run = Run(build_model(spec.model, input=spec.input, classes=spec.classes))
    interrupt = Interrupt()
    generator = obtain_float_weights(
        run.model,
        request,
        splits=splits or toy_splits(),
        places=places,
        device=CPU,
        progress_file=places.weights_store.parent / "work" / "float.pt",
        interrupt=interrupt,
        span=(0.1, 0.5),
    )
    while run.weights is None:
        try:
            event = next(generator)
        except StopIteration as stop:
            run.weights = stop.value
        else:
            run.events.append(event)
            on_event(event, interrupt)
    return run


def are_equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_without_weights_at_hand_they_are_trained_and_told(
    request_: WeightsRequest, places: Places
) -> None:
    run = obtain(request_, places)

    progress = [event for event in run.events if isinstance(event, Progress)]
    assert run.weights == FloatWeights(
        origin="trained", note="Float weights: trained for 2 epochs on 48 images of toys."
    )
    assert (progress[0].stage, progress[0].total) == ("training", 6)
    assert progress[-1].fraction == pytest.approx(0.5)
    assert run.log == [
        f"No float weights of {MODEL} on toys are at hand: training 2 epochs of 48 images.",
        run.weights.note,
    ]


def test_the_next_run_finds_what_the_first_one_trained(
    request_: WeightsRequest, places: Places
) -> None:
    first = obtain(request_, places)

    torch.manual_seed(77)  # another run's seed
    second = obtain(request_, places)

    assert not second.was_trained
    assert second.weights == first.weights
    assert are_equal(first.state, second.state)


def test_the_runs_seed_does_not_change_what_is_trained(
    request_: WeightsRequest, places: Places, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    one = obtain(request_, places)
    torch.manual_seed(2)
    other = obtain(request_, replace(places, weights_store=tmp_path / "other" / "store"))

    assert other.was_trained
    assert are_equal(one.state, other.state)


def test_training_leaves_the_ambient_generators_as_they_were(
    request_: WeightsRequest, places: Places
) -> None:
    def draw_after_obtaining() -> Tensor:
        torch.manual_seed(3)
        obtain(request_, places)
        return torch.rand(3)

    trained, found = draw_after_obtaining(), draw_after_obtaining()

    assert torch.equal(trained, found)


def test_another_recipe_or_other_images_are_trained_anew(
    request_: WeightsRequest, places: Places
) -> None:
    obtain(request_, places)

    longer = obtain(replace(request_, recipe=replace(RECIPE, epochs=1)), places)
    elsewhere = obtain(request_, places, splits=toy_splits(seed=10))

    assert longer.was_trained
    assert elsewhere.was_trained
    assert len(list(places.weights_store.iterdir())) == 3


def test_a_stopped_training_goes_on_in_the_next_attempt(
    request_: WeightsRequest, places: Places, tmp_path: Path
) -> None:
    whole = obtain(request_, replace(places, weights_store=tmp_path / "whole" / "store"))

    def stop_at_the_fourth_batch(event: Event, interrupt: Interrupt) -> None:
        if isinstance(event, Progress) and event.done == 4:
            interrupt.requested = "stop"

    with pytest.raises(Stopped):
        obtain(request_, places, on_event=stop_at_the_fourth_batch)
    resumed = obtain(request_, places)

    done = [event.done for event in resumed.events if isinstance(event, Progress)]
    assert done == [5, 6]
    assert are_equal(whole.state, resumed.state)
    assert not list((tmp_path / "work").iterdir())  # what is finished needs no checkpoint


def test_damaged_weights_in_the_store_are_told_and_trained_again(
    request_: WeightsRequest, places: Places
) -> None:
    first = obtain(request_, places)
    (kept,) = places.weights_store.iterdir()
    kept.write_bytes(kept.read_bytes()[:100])

    second = obtain(request_, places)

    assert "are damaged and are trained again" in second.log[0]
    assert are_equal(first.state, second.state)
    assert not obtain(request_, places).was_trained


def test_a_store_that_cannot_be_written_costs_a_warning_and_no_run(
    request_: WeightsRequest, places: Places
) -> None:
    places.weights_store.write_text("a file where the folder should be")

    run = obtain(request_, places)

    warnings = [e.text for e in run.events if isinstance(e, LogLine) and e.level == "warning"]
    assert run.was_trained
    assert len(warnings) == 1
    assert "could not be kept for the next run" in warnings[0]


def test_the_users_checkpoint_goes_before_everything(
    request_: WeightsRequest, places: Places, tmp_path: Path
) -> None:
    obtain(request_, places)
    theirs = build_model(MODEL, input=INPUT, classes=2)
    save_weights(theirs, tmp_path / "theirs.safetensors", metadata={})

    run = obtain(replace(request_, checkpoint=tmp_path / "theirs.safetensors"), places)

    assert run.weights == FloatWeights(
        origin="given", note="Float weights: the given theirs.safetensors."
    )
    assert are_equal(theirs.state_dict(), run.state)


def test_a_checkpoint_of_another_network_is_refused(
    request_: WeightsRequest, places: Places, tmp_path: Path
) -> None:
    other = build_model(MODEL, input=INPUT, classes=5)
    save_weights(other, tmp_path / "other.safetensors", metadata={})

    with pytest.raises(InvalidConfig, match=r"checkpoint: .*'classifier\.\w+' has shape \[5"):
        obtain(replace(request_, checkpoint=tmp_path / "other.safetensors"), places)


def test_a_shipped_checkpoint_serves_the_default_recipe_and_no_other(
    request_: WeightsRequest, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = build_model(MODEL, input=INPUT, classes=2)
    save_weights(shipped, tmp_path / "shipped.safetensors", metadata={})
    monkeypatch.setattr(module, "shipped_weights", lambda *_: tmp_path / "shipped.safetensors")

    by_default = obtain(replace(request_, recipe=TrainingRecipe()), places)
    by_own_recipe = obtain(request_, places)

    assert by_default.weights is not None
    assert by_default.weights.origin == "shipped"
    assert are_equal(shipped.state_dict(), by_default.state)
    assert by_own_recipe.was_trained


def lite_request(classes: int) -> WeightsRequest:
    input = InputSpec(channels=3, size=224)
    with torch.device("meta"):
        model = build_model("efficientnet_lite0", input=input, classes=classes)
    spec = describe(model, model_id="efficientnet_lite0", input=input, classes=classes)
    recipe = TrainingRecipe(epochs=1, batch_size=2, learning_rate=0.02)
    return WeightsRequest(spec=spec, dataset="toys", recipe=recipe)


def test_the_packages_weights_serve_a_thousand_classes(places: Places) -> None:
    splits = toy_splits(channels=3, size=8, classes=1000)

    run = obtain(lite_request(1000), places, splits=splits)

    assert run.weights is not None
    assert run.weights.origin == "package"
    assert are_equal(package_weights(with_head=True), run.state)


def test_for_other_classes_the_packages_features_are_fine_tuned_gently(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Trainer] = []

    def stop_at_once(trainer: Trainer, **_: object) -> list[Event]:
        begun.append(trainer)
        raise Stopped

    monkeypatch.setattr(module, "fit", stop_at_once)
    with pytest.raises(Stopped):
        obtain(lite_request(7), places, splits=toy_splits(channels=3, size=8, classes=7))

    (trainer,) = begun
    features = package_weights(with_head=False)
    assert trainer.recipe.learning_rate == pytest.approx(0.002)
    assert are_equal(features, trainer.model.state_dict())
    assert trainer.model.get_submodule("_fc").out_features == 7
