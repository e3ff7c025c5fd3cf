"""Sony's MCT as one side of `benchmarks.haq`, in an environment that has MCT 2.6.1.

Run as a file by that environment's Python: it knows nothing of the project. Weights of 8, 4 or 2
bits for three quarters of the 8-bit size, MobileNetV2 at 224 px, 32 images, searched and quantised
as MCT's documentation does it. Prints one JSON object: CPU seconds over import, the process's peak
memory in MB, and the share of the 8-bit size that came out.
"""

import json
import resource
import time
import warnings

import torch

warnings.filterwarnings("ignore")

import model_compression_toolkit as mct  # noqa: E402  # warns of what it was not installed with
from model_compression_toolkit.core import (  # noqa: E402
    CoreConfig,
    MixedPrecisionQuantizationConfig,
    ResourceUtilization,
)
from torchvision.models import mobilenet_v2  # noqa: E402

IMAGES, BATCH, SIZE = 32, 8, 224
SHARE = 0.75  # of the size at 8 bits


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = mobilenet_v2().eval()
    images_NCHW = torch.randn(IMAGES, 3, SIZE, SIZE)
    kinds = (torch.nn.Conv2d, torch.nn.Linear)
    weights = sum(each.weight.numel() for each in model.modules() if isinstance(each, kinds))
    started = time.process_time()
    _, found = mct.ptq.pytorch_post_training_quantization(
        model,
        lambda: ([part] for part in images_NCHW.split(BATCH)),
        target_resource_utilization=ResourceUtilization(weights_memory=SHARE * weights),
        core_config=CoreConfig(
            mixed_precision_config=MixedPrecisionQuantizationConfig(num_of_images=IMAGES)
        ),
    )
    outcome = {
        "seconds": time.process_time() - started,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        "share": found.final_resource_utilization.weights_memory / weights,
    }
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
