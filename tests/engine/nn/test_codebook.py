"""One-dimensional k-means against the plain algorithm, and its odd inputs."""

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.nn.codebook import SortedWeights, labels_of, packed, unpacked


def plain_lloyd(weight: Tensor, count: int, *, iterations: int, seed: int) -> float:
    """Return the distortion after Lloyd's steps from k-means++ seeds, all distances written out."""
    rng = np.random.default_rng(seed)
    x = weight.flatten().double().numpy()
    centres = [x[rng.integers(len(x))]]
    for _ in range(count - 1):
        distances = np.min([(x - c) ** 2 for c in centres], axis=0)
        centres.append(x[rng.choice(len(x), p=distances / distances.sum())])
    centres_K = np.sort(centres)
    for _ in range(iterations):
        nearest = np.abs(x[:, None] - centres_K).argmin(axis=1)
        for k in np.unique(nearest):
            centres_K[k] = x[nearest == k].mean()
    return float(((x[:, None] - centres_K) ** 2).min(axis=1).sum())


def heavy_tailed(count: int) -> Tensor:
    """Return weights with a few far ones, as depthwise layers have."""
    generator = torch.Generator().manual_seed(0)
    spread = torch.randn(count, generator=generator).mul(0.5).exp()
    return torch.randn(count, generator=generator) * spread


@pytest.mark.parametrize("iterations", [3, 50])
@pytest.mark.parametrize("bits", [2, 3, 4, 5])
def test_the_error_is_within_half_a_percent_of_plain_k_means(bits: int, iterations: int) -> None:
    weight = heavy_tailed(2000)
    ordered = SortedWeights.of(weight)
    plain = min(plain_lloyd(weight, 2**bits, iterations=iterations, seed=seed) for seed in range(3))

    found = ordered.distortion(ordered.centroids(bits, iterations=iterations))

    assert found <= 1.005 * plain


def test_the_error_is_that_of_the_nearest_centroid() -> None:
    weight = heavy_tailed(500).view(5, 4, 5, 5)
    ordered = SortedWeights.of(weight)
    centroids_K = ordered.centroids(3)

    shared = centroids_K.float()[labels_of(weight, centroids_K).long()]

    nearest = (weight.unsqueeze(-1) - centroids_K.float()).abs().amin(dim=-1)
    assert torch.allclose((weight - shared).abs(), nearest)
    assert ordered.distortion(centroids_K) == pytest.approx(float(nearest.square().sum()), rel=1e-4)


def test_more_bits_never_err_more() -> None:
    ordered = SortedWeights.of(heavy_tailed(3000))

    errors = [ordered.distortion(ordered.centroids(bits)) for bits in range(2, 9)]

    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize(
    ("weight", "distinct"),
    [
        (torch.full((3, 4, 1, 1), 0.25), 1),
        (torch.zeros(2, 8), 1),
        (torch.tensor([[1.0, 1.0, -1.0, 5.0]]), 3),
        (torch.tensor([0.5]), 1),
    ],
    ids=["constant", "zeros", "three values", "one weight"],
)
def test_weights_with_few_values_keep_them(weight: Tensor, distinct: int) -> None:
    for bits in (2, 8):
        centroids_K = SortedWeights.of(weight).centroids(bits).float()

        assert len(centroids_K) == distinct
        assert torch.allclose(centroids_K[labels_of(weight, centroids_K).long()], weight)


def test_a_far_value_leaves_no_empty_cluster_and_no_nan() -> None:
    weight = torch.cat([torch.linspace(0, 1e-6, 100), torch.tensor([1e3])])

    centroids_K = SortedWeights.of(weight).centroids(4)

    assert torch.isfinite(centroids_K).all()
    counts = torch.bincount(labels_of(weight, centroids_K).long(), minlength=len(centroids_K))
    assert (counts > 0).all()


@pytest.mark.parametrize("bits", range(1, 9))
def test_labels_come_back_from_their_packed_form(bits: int) -> None:
    generator = torch.Generator().manual_seed(bits)
    labels = torch.randint(0, 2**bits, (3, 5, 7), generator=generator, dtype=torch.uint8)

    stored = packed(labels, bits)

    assert len(stored) == -(-3 * 5 * 7 * bits // 8)
    assert torch.equal(unpacked(stored, bits, labels.shape), labels)
