"""One-dimensional k-means of a layer's weights: a few values that all weights share.

Deep Compression (Han et al. 2016) and HAQ's size mode (Wang et al. 2019, section 3.4). Scalars can
be sorted, and a cluster of sorted scalars is a stretch of them: Lloyd's step needs the places of
the midpoints, found by bisection, and differences of prefix sums. It costs O(K log N), not O(K N).

Shapes: N weights, K centroids.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

ITERATIONS = 50  # of Lloyd's, at most; they end as soon as no weight changes its cluster
_FEW_BITS = 4
_MOST_TRIES = 60  # to move centroids elsewhere
_MOST_PASSED_OVER = 3
_WORTH = 1 - 1e-4  # of the error; what gains less is not gone on with
_GRID = 4096  # bins of the density that the first centroids follow


@dataclass(frozen=True, slots=True, eq=False)
class SortedWeights:
    """A layer's weights in ascending order, with the sums of all before each of them."""

    values_N: Tensor  # float64
    sums: Tensor  # of the first 0, 1, .. N values; shape (N + 1,)
    squares: Tensor  # of their squares; shape (N + 1,)

    @classmethod
    def of(cls, weight: Tensor) -> "SortedWeights":
        """Sort a layer's weights, whatever their shape."""
        values_N = weight.detach().flatten().sort().values.double()
        return cls(values_N, _sums_before(values_N), _sums_before(values_N.square()))

    def centroids(self, bits: int, *, iterations: int = ITERATIONS) -> Tensor:
        """Return at most 2^bits centroids, ascending; fewer where fewer values differ.

        `iterations` bounds Lloyd's steps in a row. Where these get stuck, centroids move from
        where they are missed least to where they are missed most, as long as that helps.
        """
        starts = [self._by_density(2**bits)]
        if bits <= _FEW_BITS:  # few centroids get stuck more easily
            starts.append(self._by_parting(2**bits))
        settled = [self._settled(start_K, iterations) for start_K in starts]
        found = [self._improved(centroids_K, iterations) for centroids_K in settled]
        centroids_K = min(found, key=self.distortion)
        kept_K: Tensor = centroids_K[self._bounds(centroids_K).diff() > 0]
        return kept_K

    def _improved(self, centroids_K: Tensor, iterations: int) -> Tensor:
        """Move centroids from where they are missed least to where they are missed most."""
        error, moves, passed_over = self.distortion(centroids_K), len(centroids_K), 0
        for _ in range(_MOST_TRIES):
            moved_K = self._moved(centroids_K, moves=moves, passed_over=passed_over)
            if moved_K is not None:
                moved_K = self._settled(moved_K, iterations)
                moved_error = self.distortion(moved_K)
                if moved_error < error * _WORTH:
                    centroids_K, error, passed_over = moved_K, moved_error, 0
                    continue
            # Fewer at a time; of single ones the next best, before it is given up.
            if moves == 1 and passed_over == _MOST_PASSED_OVER:
                break
            passed_over += moves == 1
            moves = max(1, moves // 4)
        return centroids_K

    def _settled(self, centroids_K: Tensor, iterations: int) -> Tensor:
        """Take Lloyd's steps until no weight changes its cluster."""
        bounds = self._bounds(centroids_K)
        for _ in range(iterations):
            centroids_K = self._means(bounds, centroids_K)
            before, bounds = bounds, self._bounds(centroids_K)
            if torch.equal(before, bounds):
                break
        return centroids_K

    def _moved(self, centroids_K: Tensor, *, moves: int, passed_over: int) -> Tensor | None:
        """Return the centroids with some pairs merged and as many clusters parted; None: none.

        Merging neighbours of n and m weights adds n m / (n + m) x the squared distance of their
        means to the error; parting a cluster at its mean takes as much away.
        """
        bounds = self._bounds(centroids_K)
        bounds = torch.cat([bounds[:1], bounds[1:][bounds.diff() > 0]])  # empty ones are free
        free = len(centroids_K) - (len(bounds) - 1)
        middles = torch.searchsorted(self.values_N, self._means(bounds, bounds[:-1].double()))
        parting = self._spread_between(bounds[:-1], middles, bounds[1:])
        parted = parting.argsort(descending=True)[passed_over : passed_over + moves + free]
        parted = parted[parting[parted] > 0]
        # Of neighbouring pairs only the one that costs less, so that no cluster is in two.
        merging = self._spread_between(bounds[:-2], bounds[1:-1], bounds[2:])
        pairs = torch.arange(len(merging), device=merging.device)
        is_kept_apart = torch.isin(pairs, parted) | torch.isin(pairs + 1, parted)
        merging = torch.where(is_kept_apart, torch.inf, merging)
        beside = torch.nn.functional.pad(merging, (1, 1), value=torch.inf)
        is_least = (merging < beside[:-2]) & (merging <= beside[2:])
        merged = torch.where(is_least, merging, torch.inf).argsort()[: int(is_least.sum())]
        count = min(len(merged), len(parted))
        worth = int((parting[parted[:count]] > merging[merged[:count]]).sum())
        merged, parted = merged[:worth], parted[: worth + free]
        if not len(parted):
            return None
        kept = torch.ones_like(bounds, dtype=torch.bool)
        kept[merged + 1] = False
        joined = torch.cat([bounds[kept], middles[parted]])
        bounds = joined.unique()  # type: ignore[no-untyped-call]  # torch's stub
        return self._means(bounds, self.values_N[bounds[:-1]])

    def _spread_between(self, starts: Tensor, middles: Tensor, ends: Tensor) -> Tensor:
        """Return by how much two stretches' own means err less than their common one."""
        left, right = (middles - starts).double(), (ends - middles).double()
        first = (self.sums[middles] - self.sums[starts]) / left.clamp_min(1)
        second = (self.sums[ends] - self.sums[middles]) / right.clamp_min(1)
        weight = left * right / (left + right).clamp_min(1)
        return weight * (second - first).square()

    def distortion(self, centroids_K: Tensor) -> float:
        """Return the sum of squared distances to the nearest centroid."""
        bounds = self._bounds(centroids_K)
        counts_K = bounds.diff().double()
        sums_K, squares_K = self.sums[bounds].diff(), self.squares[bounds].diff()
        centres_K = centroids_K.double()
        errors_K = squares_K - 2 * centres_K * sums_K + centres_K.square() * counts_K
        return float(errors_K.clamp_min(0).sum())

    def _by_density(self, count: int) -> Tensor:
        """Return distinct starting points, spread by the cube root of the weights' density.

        That is how the centroids of the least error lie where they are many (Panter and Dite
        1951), so Lloyd's steps have little left to do.
        """
        low, high = float(self.values_N[0]), float(self.values_N[-1])
        if low == high:
            return self.values_N[:1].clone()
        device = self.values_N.device
        edges = torch.linspace(low, high, _GRID + 1, dtype=torch.float64, device=device)
        places = torch.searchsorted(self.values_N, edges, right=True)
        places[0] = 0
        mass = places.diff().double().pow_(1 / 3).cumsum_(0)
        wanted = (torch.arange(count, dtype=torch.float64, device=device) + 0.5) / count * mass[-1]
        bins = torch.searchsorted(mass, wanted).clamp_(max=_GRID - 1)
        before = torch.where(bins > 0, mass[bins - 1], torch.zeros_like(wanted))
        share = (wanted - before) / (mass[bins] - before).clamp_min(1e-300)
        starts = edges[bins] + share * (high - low) / _GRID
        distinct: Tensor = starts.unique()  # type: ignore[no-untyped-call]  # torch's stub
        return distinct

    def _by_parting(self, count: int) -> Tensor:
        """Return starting points found by parting what errs most at its mean, again and again."""
        bounds = torch.tensor([0, len(self.values_N)], device=self.values_N.device)
        for _ in range(count - 1):
            means_K = self._means(bounds, bounds[:-1].double())
            middles = torch.searchsorted(self.values_N, means_K)
            gains_K = self._spread_between(bounds[:-1], middles, bounds[1:])
            most = int(gains_K.argmax())
            if gains_K[most] <= 0:
                break
            bounds = torch.cat([bounds[: most + 1], middles[most : most + 1], bounds[most + 1 :]])
        return self._means(bounds, bounds[:-1].double())

    def _bounds(self, centroids_K: Tensor) -> Tensor:
        """Return where each cluster begins, and N; shape (K + 1,)."""
        middles = (centroids_K[1:] + centroids_K[:-1]).double() / 2
        inner = torch.searchsorted(self.values_N, middles)
        ends = inner.new_tensor([0, len(self.values_N)])
        return torch.cat([ends[:1], inner, ends[1:]])

    def _means(self, bounds: Tensor, centroids_K: Tensor) -> Tensor:
        """Return the mean of each cluster; an empty one keeps its centroid."""
        counts_K = bounds.diff()
        means_K = self.sums[bounds].diff() / counts_K.clamp_min(1)
        return torch.where(counts_K > 0, means_K, centroids_K)


def labels_of(weight: Tensor, centroids_K: Tensor) -> Tensor:
    """Return the place of the nearest centroid for every weight, as uint8 in the weight's shape."""
    middles = (centroids_K[1:] + centroids_K[:-1]) / 2
    return torch.bucketize(weight.detach(), middles.to(weight), out_int32=True).to(torch.uint8)


def packed(labels: Tensor, bits: int) -> Tensor:
    """Return labels packed densely, `bits` each, in bytes; their order is the row-major one."""
    flat = labels.flatten().to(torch.int32)
    shifts = torch.arange(bits, dtype=torch.int32, device=flat.device)
    stream = ((flat.unsqueeze(1) >> shifts) & 1).flatten()
    padded = torch.nn.functional.pad(stream, (0, -len(stream) % 8)).view(-1, 8)
    places = 1 << torch.arange(8, dtype=torch.int32, device=flat.device)
    return (padded * places).sum(dim=1).to(torch.uint8)


def unpacked(stored: Tensor, bits: int, shape: torch.Size) -> Tensor:
    """Return what `packed` was given, as uint8."""
    places = torch.arange(8, dtype=torch.int32, device=stored.device)
    stream = ((stored.to(torch.int32).unsqueeze(1) >> places) & 1).flatten()
    count = math.prod(shape)
    rows = stream[: count * bits].view(count, bits)
    shifts = 1 << torch.arange(bits, dtype=torch.int32, device=stored.device)
    return (rows * shifts).sum(dim=1).to(torch.uint8).view(shape)


def _sums_before(values_N: Tensor) -> Tensor:
    return torch.nn.functional.pad(values_N.cumsum(0), (1, 0))
