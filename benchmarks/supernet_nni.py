"""NNI's ProxylessNAS as one side of `benchmarks.supernet`, in an environment that has NNI 3.0.

Run as a file by that environment's Python: it knows nothing of the project. The space is NNI's own
with the widths of `mobile-24`; a step is what its training step does without Lightning around it:
one architecture and one weight step.
"""

import json
import sys
import time
import warnings

import torch
from torch.nn import functional

warnings.filterwarnings("ignore")

from nni.nas.hub.pytorch import ProxylessNAS  # noqa: E402  # warns of every class it does not know
from nni.nas.oneshot.pytorch.supermodule.base import BaseSuperNetModule  # noqa: E402
from nni.nas.strategy import Proxyless  # noqa: E402

WIDTHS = (32, 16, 24, 40, 80, 96, 192, 320, 1280)


def main() -> None:
    size, batch = int(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    torch.manual_seed(0)
    images_NCHW, labels_N = torch.randn(batch, 3, size, size), torch.randint(1000, (batch,))
    model = Proxyless().mutate_model(ProxylessNAS(base_widths=WIDTHS)).train()
    parts = [each for each in model.modules() if isinstance(each, BaseSuperNetModule)]
    alphas = {id(p): p for each in parts for p in _arch_parameters(each)}
    weights = [each for each in model.parameters() if id(each) not in alphas]
    weight_optimizer = torch.optim.SGD(
        weights, lr=0.01, momentum=0.9, nesterov=True, weight_decay=4e-5
    )
    alpha_optimizer = torch.optim.Adam(list(alphas.values()), lr=1e-3, betas=(0.0, 0.999))

    def step(optimizer: torch.optim.Optimizer) -> None:
        memo: dict[str, object] = {}
        for each in parts:
            memo.update(each.resample(memo))
        optimizer.zero_grad()
        functional.cross_entropy(model(images_NCHW), labels_N).backward()
        optimizer.step()

    for line in sys.stdin:
        start = time.process_time()
        for _ in range(int(line)):
            step(alpha_optimizer)
            step(weight_optimizer)
        print(json.dumps((time.process_time() - start) / int(line)), flush=True)


def _arch_parameters(part: BaseSuperNetModule) -> list[torch.nn.Parameter]:
    return list(part.arch_parameters()) if hasattr(part, "arch_parameters") else []


if __name__ == "__main__":
    main()
