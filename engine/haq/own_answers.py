"""Images without labels: the float network's own answers stand in for them."""

from dataclasses import replace

import torch
from torch import Tensor

from engine.data.image_set import ImageSet
from engine.haq.subject import Subject

_CHUNK = 32  # images answered at once


def labelled_by_itself(subject: Subject) -> Subject:
    """Return the subject with labels on all its images; as it is where they have some already.

    Each image's label is the class that the float network, its weights filled, gives it. Accuracy
    is then how often a policy keeps the float network's answer.
    """
    splits = subject.splits
    if splits.classes is not None:
        return subject
    labelled = replace(
        splits,
        train=splits.train.labelled(_answers(subject, splits.train)),
        search=splits.search.labelled(_answers(subject, splits.search)),
        report=splits.report.labelled(_answers(subject, splits.report)),
        classes=subject.spec.classes,
    )
    return replace(subject, splits=labelled)


@torch.no_grad()
def _answers(subject: Subject, images: ImageSet) -> Tensor:
    batches = images.batches(_CHUNK)
    answers = [
        subject.network(one_NCHW.to(subject.device)).argmax(1).cpu() for one_NCHW, _ in batches
    ]
    return torch.cat(answers)
