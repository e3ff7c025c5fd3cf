"""How much a search may spend, under names one can choose by."""

from dataclasses import dataclass

from engine.schema.configs import Preset, QuantizeEffort


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
            ),
        ),
    )
}
