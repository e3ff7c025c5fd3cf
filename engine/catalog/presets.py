"""How much a search may spend, under names one can choose by."""

from dataclasses import dataclass

from engine.schema.config_parts import Preset, TrainingRecipe
from engine.schema.profile_config import ProfileEffort, ProfilePreset
from engine.schema.quantize_config import QuantizeEffort
from engine.schema.search_config import GateMode, HardwareLoss, SearchEffort, Sharing


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetEntry:
    """An effort with the words that sell it honestly."""

    id: Preset
    title: str
    description: str
    effort: QuantizeEffort


QUANTIZE_PRESETS: dict[str, PresetEntry] = {
    entry.id: entry
    for entry in (
        PresetEntry(
            id="smoke",
            title="Smoke",
            description="Does everything once, small: under two minutes on two cores "
            "with a shipped checkpoint.",
            effort=QuantizeEffort(finetune_images=6_000, report_images=6_000),
        ),
        PresetEntry(
            id="balanced",
            title="Balanced",
            description="Five times the search of smoke, on more images; "
            "three epochs of fine-tuning for the best three.",
            effort=QuantizeEffort(
                calibration_images=1024,
                sensitivity_images=512,
                score_images=1024,
                evaluations=200,
                episodes=200,
                finetune_epochs=3,
                finetune_images=50_000,
                finetune_contenders=3,
                finetune_references=True,
            ),
        ),
        PresetEntry(
            id="thorough",
            title="Thorough",
            description="The paper's 600 episodes and a long fine-tune; meant for a GPU.",
            effort=QuantizeEffort(
                calibration_images=1024,
                sensitivity_images=1024,
                score_images=2048,
                evaluations=600,
                episodes=600,
                finetune_epochs=10,
                finetune_images=50_000,
                finetune_contenders=3,
                finetune_references=True,
            ),
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPresetEntry:
    """A ProxylessNAS search's effort by name, with the settings that go with it."""

    id: Preset
    title: str
    description: str
    effort: SearchEffort
    recipe: TrainingRecipe  # of the found network and its baselines
    gate_mode: GateMode = "two"
    sharing: Sharing = "shared"
    hardware_loss: HardwareLoss = "dual"


SEARCH_PRESETS: dict[str, SearchPresetEntry] = {
    entry.id: entry
    for entry in (
        SearchPresetEntry(
            id="smoke",
            title="Smoke",
            description="Does everything once, small: under two minutes on two cores "
            "on the tiny space.",
            effort=SearchEffort(
                train_images=5_000,
                search_images=2_000,
                warmup_epochs=2,
                epochs=3,
                rescored=16,
                rescore_images=1_000,
                final_images=4_000,
                report_images=6_000,
            ),
            recipe=TrainingRecipe(epochs=2, batch_size=64),
        ),
        SearchPresetEntry(
            id="balanced",
            title="Balanced",
            description="A longer search on all images, and six epochs of training for the found "
            "network and its baselines.",
            effort=SearchEffort(
                train_images=50_000,
                warmup_epochs=3,
                epochs=8,
                architecture_learning_rate=0.04,
                rescore_images=5_000,
                final_images=50_000,
            ),
            recipe=TrainingRecipe(),
        ),
        SearchPresetEntry(
            id="thorough",
            title="Thorough",
            description="Long enough for spaces of ImageNet's size; meant for a GPU.",
            effort=SearchEffort(
                train_images=50_000,
                batch_size=128,
                warmup_epochs=10,
                epochs=30,
                architecture_learning_rate=0.01,
                rescored=48,
                rescore_images=5_000,
                final_images=50_000,
            ),
            recipe=TrainingRecipe(epochs=30),
        ),
        SearchPresetEntry(
            id="paper",
            title="Paper",
            description="The paper's search for ImageNet: private weights, 160 epochs, one update "
            "of the architecture every five batches. 200 GPU hours on four GPUs of its time.",
            effort=SearchEffort(
                train_images=1_231_167,
                search_images=50_000,
                batch_size=256,
                warmup_epochs=40,
                epochs=120,
                warmup_learning_rate=0.05,
                weight_learning_rate=0.025,
                architecture_learning_rate=1e-3,
                architecture_every=5,
                frozen_epochs=1,
                policy_every=16,
                policy_samples=10,
                policy_images=1_000,
                settled_entropy=0.0,
                settled_epochs=120,
                rescore_images=10_000,
                final_images=1_281_167,
                report_images=50_000,
            ),
            recipe=TrainingRecipe(
                epochs=300, batch_size=256, learning_rate=0.05, label_smoothing=0.1
            ),
            gate_mode="full_v2",
            sharing="private",
            hardware_loss="mul_log",
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilePresetEntry:
    """How carefully a device is measured, by name."""

    id: ProfilePreset
    title: str
    description: str
    effort: ProfileEffort


PROFILE_PRESETS: dict[str, ProfilePresetEntry] = {
    entry.id: entry
    for entry in (
        ProfilePresetEntry(
            id="smoke",
            title="Smoke",
            description="To see whether all runs; medians may be some percent off.",
            effort=ProfileEffort(
                warmup_runs=3,
                warmup_s=0.05,
                samples=10,
                sampling_s=0.1,
                longest_s=1.0,
                retries=1,
                networks=8,
            ),
        ),
        ProfilePresetEntry(
            id="balanced",
            title="Balanced",
            description="Enough for searches: what scatters by more than 5 % is timed again.",
            effort=ProfileEffort(),
        ),
        ProfilePresetEntry(
            id="thorough",
            title="Thorough",
            description="For a machine that others use too: long samplings, more repeats.",
            effort=ProfileEffort(
                warmup_s=0.5, samples=100, sampling_s=2.0, longest_s=20.0, retries=5, networks=50
            ),
        ),
    )
}
