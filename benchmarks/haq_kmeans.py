"""scikit-learn's k-means as one side of `benchmarks.haq`, in an environment that has it.

    python haq_kmeans.py WEIGHTS.npz

Run as a file by that environment's Python: it knows nothing of the project. Clusters every layer's
weights at every width, as HAQ's own code does. Prints one JSON object: the CPU seconds of 8 bits
and of each width, and the squared errors of all layers in sum.
"""

import json
import sys
import time

import numpy as np
from sklearn.cluster import KMeans

TIMED_BITS, BITS = 8, range(2, 9)
ITERATIONS = 50


def main() -> None:
    errors, seconds = dict.fromkeys(BITS, 0.0), dict.fromkeys(BITS, 0.0)
    with np.load(sys.argv[1]) as weights:
        layers = [weights[name].reshape(-1, 1) for name in weights.files]
    for bits in BITS:
        started = time.process_time()
        for layer in layers:
            clusters = KMeans(2**bits, n_init=1, max_iter=ITERATIONS, random_state=0)
            errors[bits] += float(clusters.fit(layer).inertia_)
        seconds[bits] = time.process_time() - started
    outcome = {"seconds": seconds[TIMED_BITS], "seconds_by_bits": seconds, "distortion": errors}
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
