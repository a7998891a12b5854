"""A trained network in use: the same outputs computed in several ways, by density of its weights.

S-FC whose first layer is that of a stored run, or has weights at random places. Each way takes
images in float32 and returns logits. The later layers keep a third of their weights or more, which
is above the densities that this benchmark finds worth a sparse product: they stay dense, and their
values, on which the time does not depend, are random.

    inference.py [alpha]

Without a width, that of the stored run; at another one all places are random.
"""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable, Iterator
from functools import partial

import safetensors.torch
import scipy
import torch
import torch.nn.functional as F
from timing import Report, interleaved
from torch import Tensor, nn

from lcs import models
from lcs.config import Config
from lcs.exhibits import engine as exhibit
from lcs.exhibits import find_study
from lcs.optim.sparse_products import SparseLayer
from lcs.runs import BOOK_RUNS, RunStore

REPEATS = 11
# a pass of few images is too short to be timed alone, and would be timed with cold caches
IMAGES_A_ROUND = 10
DENSITIES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
# the run whose first layer is in use: the widest one stored whole
STUDY = "largest"
# images in a pass
BATCHES = (1, 512)

Way = Callable[[Tensor], Tensor]
Tensors = dict[str, Tensor]


def main() -> None:
    report = Report("inference")
    most = torch.get_num_threads()
    x = torch.randn(max(BATCHES), 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for width, places, weight in first_layers():
        ways, held = every_way(network(width, weight, x), x)
        fields = {
            "base_channels": width,
            "places": places,
            "density": int(weight.count_nonzero()) / weight.numel(),
            "units": len(weight),
            "dead": int((~weight.any(1)).sum()),
            "bytes": {way: len(safetensors.torch.save(kept)) for way, kept in held.items()},
            "operations": {way: operations(kept) for way, kept in held.items()},
        }
        for batch in BATCHES:
            for threads in sorted({1, most}):
                torch.set_num_threads(threads)
                passes = max(1, IMAGES_A_ROUND // batch)
                actions = {n: partial(repeat, way, x[:batch], passes) for n, way in ways.items()}
                report.table(
                    f"S-FC in use, {fields['density']:.2%} of the first layer left, {batch} images "
                    f"at once, {threads} threads",
                    interleaved(actions, repeats=REPEATS),
                    unit="milliseconds a pass",
                    scale=1e3 / passes,
                    ratios=[(way, exhibit.DENSE, "") for way in ways if way != exhibit.DENSE],
                    measured="inference",
                    batch=batch,
                    threads=threads,
                    **fields,
                )


def repeat(way: Way, x: Tensor, passes: int) -> None:
    for _ in range(passes):
        way(x)


def first_layers() -> Iterator[tuple[int, str, Tensor]]:
    """Yield width, kind of places and first layer (units, inputs) of each network, one by one."""
    width, trained = stored_layer()
    if len(sys.argv) > 1:
        width = int(sys.argv[1])
    else:
        yield width, "trained", trained
    size = Config(base_channels=width).layer_sizes()["conv1"]
    generator = torch.Generator().manual_seed(1)
    for density in DENSITIES:
        weight = 0.1 * torch.randn(size.units, size.weights // size.units, generator=generator)
        yield width, "random", weight * (torch.rand(weight.shape, generator=generator) < density)


def stored_layer() -> tuple[int, Tensor]:
    """Return width and first layer (units, inputs) of the run whose network is in use."""
    (record,) = find_study(STUDY).stored("desk", RunStore(BOOK_RUNS))
    kept = safetensors.torch.load(record.read_filters())
    units, *inputs = kept["first_layer.shape"].tolist()
    flat = torch.zeros(units * math.prod(inputs))
    flat[kept["first_layer.places"].long()] = kept["first_layer.values"]
    return record.config.base_channels, flat.view(units, -1)


def network(width: int, weight: Tensor, x: Tensor) -> models.Net:
    """Build S-FC with a first layer, as it is in use, with the statistics of some images."""
    torch.manual_seed(2)
    net = models.build("s-fc", num_classes=10, image_size=32, in_channels=3, base_channels=width)
    net.requires_grad_(False).conv1.weight.copy_(weight)
    for norm in (net.bn1, net.bn_fc1):
        norm.momentum = 1.0  # of this batch alone
    net(x)
    return net.eval()


def every_way(net: models.Net, x: Tensor) -> tuple[dict[str, Way], dict[str, Tensors]]:
    """Return each way to use a network, and the tensors that a file of it holds.

    x: images (N, 3, 32, 32), an example for the export.
    """
    rounded, smaller = copy.deepcopy(net).bfloat16(), without_dead_units(net)
    for norm in (rounded.bn1, rounded.bn_fc1):  # statistics stay in float32
        norm.float()
    exported = torch.export.export(net, (x,), dynamic_shapes={"x": {0: torch.export.Dim.DYNAMIC}})
    layer = SparseLayer(net.conv1.weight)
    matrix = layer.matrix(layer.values.detach())
    parts = {"values": matrix.values(), "columns": matrix.col_indices(), "rows": layer.rows}
    of_scipy = scipy.sparse.csr_array(
        tuple(part.numpy() for part in parts.values()), shape=matrix.shape
    )

    def product_of_scipy(x: Tensor) -> Tensor:
        return torch.from_numpy(of_scipy @ x.contiguous().numpy())

    def sparse(product: Way, later: models.Net) -> tuple[Way, Tensors]:
        dense = later.state_dict()
        del dense["conv1.weight"]
        return with_product(net, product, later), dense | parts

    every = {
        exhibit.DENSE: (net, net.state_dict()),
        exhibit.DENSE_BF16: (lambda x: rounded(x.bfloat16()).float(), rounded.state_dict()),
        exhibit.EXPORTED: (exported.module(), net.state_dict()),
        exhibit.WITHOUT_DEAD: (smaller, smaller.state_dict()),
        exhibit.CSR: sparse(matrix.matmul, net),
        exhibit.CSR_BF16: sparse(matrix.matmul, rounded),
        exhibit.CSR_SCIPY: sparse(product_of_scipy, net),
    }
    ways, held = ({name: pair[i] for name, pair in every.items()} for i in (0, 1))
    return ways, held


def without_dead_units(net: models.Net) -> models.Net:
    """Return a network without the units whose incoming weights are all zero.

    What such a unit passes on is the same for every image; the next layer's mean takes it up.
    """
    smaller, alive = copy.deepcopy(net), net.conv1.weight.any(1)
    constant = F.relu(net.bn1(torch.zeros(1, len(alive))))[0] * ~alive
    smaller.bn_fc1.running_mean -= net.fc1.weight @ constant
    smaller.conv1.weight = nn.Parameter(net.conv1.weight[alive], requires_grad=False)
    smaller.bn1.running_mean = net.bn1.running_mean[alive]
    smaller.bn1.running_var = net.bn1.running_var[alive]
    smaller.fc1.weight = nn.Parameter(net.fc1.weight[:, alive].contiguous(), requires_grad=False)
    return smaller


def with_product(net: models.Net, product: Way, later: models.Net) -> Way:
    """Return a network whose first layer is a product with inputs (inputs, N).

    The later layers are those of another network, in its precision.
    """

    def forward(x: Tensor) -> Tensor:
        # as one sample with N positions, which has the units first as the product has
        y = F.relu(net.bn1(product(x.flatten(1).t())[None])[0])
        return later.head(y.t().to(later.fc1.weight.dtype)).float()

    return forward


def operations(held: Tensors) -> int:
    """Return floating-point operations of an image: two for each weight that takes part."""
    weights = (one.numel() for name, one in held.items() if name.endswith(("weight", "values")))
    return 2 * sum(weights)


if __name__ == "__main__":
    main()
