"""The networks: their sizes are the paper's, and each one embeds the next smaller."""

import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from helpers.weight_positions import positions
from torch import Tensor, nn
from torch.nn.utils import parametrize, prune

from lcs import models
from lcs.config import CHOICES
from lcs.errors import ConfigError
from lcs.models import LocallyConnected2d, Net, build, embed, layer_weights, layout, networks
from lcs.shapes import Geometry

NESTED = [f"{depth}-{kind}" for depth in "sd" for kind in ("conv", "local", "fc")]
OURS = [*NESTED, "3-fc"]  # all but torchvision's
GRID = [(1, 32, 10), (4, 16, 100), (7, 64, 20), (15, 32, 10), (150, 32, 100)]  # alpha, s, c


def make(name: str, **options: Any) -> Any:
    """Build a small network by default."""
    defaults = {"num_classes": 10, "image_size": 32, "in_channels": 3, "base_channels": 1}
    return build(name, **(defaults | options))


def on_meta(name: str, **options: Any) -> Any:
    with torch.device("meta"):
        return make(name, **options)


def weights(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def scrambled(model: nn.Module) -> nn.Module:
    """Return the model in float64 and eval mode, every number in it drawn at random."""
    generator = torch.Generator().manual_seed(0)
    model = model.double().eval()
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            value.normal_(generator=generator)
        if name.endswith("running_var"):
            value.abs_().add_(0.1)
    return model


@pytest.fixture(params=["dense", "patches"])
def computed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Compute CONV and LOCAL layers as one dense product, or patch by patch."""
    monkeypatch.setattr(networks, "DENSE_UP_TO", 2**60 if request.param == "dense" else 0)
    return request.param


# Counts


SHALLOW: dict[str, Callable[[int, int], int]] = {
    "s-conv": lambda a, s: 81 * 3 * a,
    "s-local": lambda a, s: 81 * 3 * s**2 * a // 4,
    "s-fc": lambda a, s: 3 * s**4 * a // 4,
}
# As published, but for LOCAL. There the table says 9 * s**2 * a**2 // 2**k for conv2 .. conv8 with
# k = 1 .. 7, which no net has: by the shapes in its own first column, each halving of the image
# with twice the channels keeps half of the weights, and each layer of stride 1 has twice as many.
DEEP: dict[str, Callable[[int, int], list[int]]] = {
    "d-conv": lambda a, s: [9 * 3 * a] + [9 * 2**k * a**2 for k in range(1, 8)],
    "d-local": lambda a, s: (
        [9 * 3 * s**2 * a] + [9 * s**2 * a**2 // (1 if k % 2 == 0 else 2) for k in range(1, 8)]
    ),
    "d-fc": lambda a, s: [3 * s**4 * a] + [s**4 * a**2 // 2**k for k in range(1, 8)],
}


@pytest.mark.parametrize(("alpha", "s", "c"), GRID)
@pytest.mark.parametrize("name", SHALLOW)
def test_shallow_counts_are_those_of_table_3(name: str, alpha: int, s: int, c: int) -> None:
    model = on_meta(name, base_channels=alpha, image_size=s, num_classes=c)
    counts = {layer: weight.numel() for layer, weight in layer_weights(model).items()}
    assert counts == {
        "conv1": SHALLOW[name](alpha, s),
        "fc1": 6 * s**2 * alpha**2,
        "fc2": 24 * c * alpha,
    }
    assert weights(model) == sum(counts.values())


@pytest.mark.parametrize(("alpha", "s", "c"), GRID)
@pytest.mark.parametrize("name", DEEP)
def test_deep_counts_are_those_of_table_4(name: str, alpha: int, s: int, c: int) -> None:
    model = on_meta(name, base_channels=alpha, image_size=s, num_classes=c)
    counts = {layer: weight.numel() for layer, weight in layer_weights(model).items()}
    expected = {f"conv{k}": count for k, count in enumerate(DEEP[name](alpha, s), start=1)}
    assert counts == expected | {"fc1": 4 * s**2 * alpha**2, "fc2": 64 * c * alpha}
    assert weights(model) == sum(counts.values())


@pytest.mark.parametrize(
    ("name", "alpha", "millions"),
    [
        ("s-conv", 150, 138.3),
        ("s-local", 150, 147.6),
        ("s-fc", 150, 256.2),
        ("d-conv", 15, 1.45),
        ("d-local", 15, 11.71),  # 3.42 as published, see DEEP
        ("d-fc", 15, 282.2),
    ],
)
def test_sizes_of_the_papers_nets(name: str, alpha: int, millions: float) -> None:
    digits = len(str(millions).split(".")[1])
    assert round(weights(on_meta(name, base_channels=alpha)) / 1e6, digits) == millions


def test_published_column_of_deep_local_is_that_of_no_net() -> None:
    published = 9 * 3 * 32**2 * 15 + sum(9 * 32**2 * 15**2 / 2**k for k in range(1, 8))
    published += 4 * 32**2 * 15**2 + 64 * 10 * 15
    assert round(published / 1e6, 2) == 3.4  # 3.42 in its Table 1
    assert weights(on_meta("d-local", base_channels=15)) > 3 * published


def test_local_without_padding_is_the_reproductions() -> None:
    model = on_meta("s-local", padding="none")
    counts = [weight.numel() for weight in layer_weights(model).values()]
    assert counts == [34_992, 3_456, 240]
    counts = [p.numel() for p in on_meta("s-conv", padding="none").parameters()]
    assert counts == [243, 3_456, 240]


@pytest.mark.parametrize(("alpha", "s", "c"), [*GRID, (1, 8, 10), (2, 32, 10), (40, 32, 10)])
def test_3_fc_has_the_width_nearest_to_the_budget(alpha: int, s: int, c: int) -> None:
    options = {"base_channels": alpha, "image_size": s, "num_classes": c}
    budget = weights(on_meta("s-fc", **options))
    model = on_meta("3-fc", **options)
    width = model.fc1.out_features
    sizes = {w: w**2 + (3 * s**2 + c) * w for w in (width - 1, width, width + 1)}
    assert weights(model) == sizes[width]
    assert min(sizes, key=lambda w: abs(sizes[w] - budget)) == width
    # the extras do not count: the width stays
    assert on_meta("3-fc", bias=True, affine=True, **options).fc1.out_features == width


def test_resnet18_has_the_size_of_the_usual_one() -> None:
    assert weights(on_meta("resnet18", base_channels=64)) == 11_173_962


@pytest.mark.parametrize("kernel_size", [1, 5, 15])
def test_kernel_size_of_resnet18_changes_only_its_3x3_convolutions(kernel_size: int) -> None:
    usual, other = (
        on_meta("resnet18", base_channels=16, kernel_size=k).state_dict() for k in (3, kernel_size)
    )
    assert usual.keys() == other.keys()
    changed = {name for name in usual if usual[name].shape != other[name].shape}
    assert changed == {name for name in usual if usual[name].shape[2:] == (3, 3)}
    assert len(changed) == 17
    for name in changed:
        assert other[name].shape == (*usual[name].shape[:2], kernel_size, kernel_size)


@pytest.mark.parametrize("name", ["s-conv", "s-local", "d-conv", "d-local", "resnet18"])
def test_kernel_size_keeps_the_image_size(name: str) -> None:
    usual, other = (on_meta(name, image_size=16, kernel_size=k) for k in (None, 5))
    counted = [positions(model, 16) for model in (usual, other)]
    assert counted[0] == counted[1]
    assert weights(usual) != weights(other)
    dense = [name for name in layer_weights(usual) if "fc" in name]
    for layer in dense:
        weight = f"{layer}.weight"
        assert usual.get_parameter(weight).shape == other.get_parameter(weight).shape


# Embeddings


@pytest.mark.parametrize("extras", [False, True], ids=["plain", "bias and affine"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("s-conv", {"base_channels": 2}),
        ("s-conv", {"base_channels": 2, "padding": "none"}),
        ("s-conv", {"image_size": 11, "kernel_size": 3, "in_channels": 1}),
        ("s-conv", {"image_size": 10, "kernel_size": 7, "padding": "none"}),
        ("d-conv", {"base_channels": 2}),
        ("d-conv", {"image_size": 9, "kernel_size": 5}),
    ],
)
def test_conv_local_and_fc_are_nested(
    name: str, options: dict[str, Any], extras: bool, computed: str
) -> None:
    options = {"image_size": 16, "num_classes": 7} | options
    conv = scrambled(make(name, bias=extras, affine=extras, dropout=0.5, **options))
    local = embed(conv)
    fc = embed(local)
    depth = name[0]
    for model, kind in ((local, "local"), (fc, "fc")):
        built = make(f"{depth}-{kind}", bias=extras, affine=extras, **options)
        shapes = {name: value.shape for name, value in built.state_dict().items()}
        assert {name: value.shape for name, value in model.state_dict().items()} == shapes
        assert model.dropout.p == 0.5
    x = normal(5, options.get("in_channels", 3), options["image_size"], options["image_size"])
    expected = conv(x)
    assert expected.std() > 0.1
    g, bias = conv.geometries[0], conv.conv1.bias
    first = F.conv2d(x, conv.conv1.weight, bias, g.stride, g.padding)
    torch.testing.assert_close(conv.conv1(x), first, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(local(x), expected, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(fc(x), expected, rtol=1e-11, atol=1e-11)


class Masked(nn.Module):
    """A parametrization: some of the weights are zero."""

    def forward(self, weight: Tensor) -> Tensor:
        return weight * (weight > 0)


def test_a_pruned_net_is_embedded_with_its_zeros() -> None:
    conv = scrambled(make("s-conv", image_size=16, affine=True))
    prune.random_unstructured(conv.conv1, "weight", 0.5)
    prune.random_unstructured(conv.fc2, "weight", 0.5)
    parametrize.register_parametrization(conv.fc1, "weight", Masked())
    conv.conv1.weight_orig.data.mul_(2)  # as by a step of an optimizer
    local = embed(conv)
    fc = embed(local)
    x = normal(5, 3, 16, 16)
    expected = conv(x)
    torch.testing.assert_close(local(x), expected, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(fc(x), expected, rtol=1e-11, atol=1e-11)
    assert torch.equal(local.conv1.weight[7] == 0, conv.conv1.weight.flatten(1) == 0)
    assert (local.fc1.weight == 0).float().mean() > 0.4
    assert all(type(parameter) is nn.Parameter for parameter in local.parameters())


def test_an_embedding_shares_nothing_with_its_net() -> None:
    conv = scrambled(make("s-conv", image_size=10, affine=True))
    before = {name: value.clone() for name, value in conv.state_dict().items()}
    for parameter in embed(conv).state_dict().values():
        parameter.zero_()
    for name, value in conv.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("training", [True, False])
def test_an_embedding_keeps_mode_and_type(training: bool, dtype: torch.dtype) -> None:
    local = embed(make("s-conv", image_size=10).to(dtype).train(training))
    assert all(module.training == training for module in local.modules())
    assert {parameter.dtype for parameter in local.parameters()} == {dtype}


@pytest.mark.parametrize("name", ["s-fc", "d-fc"])
def test_a_dense_net_has_no_embedding(name: str) -> None:
    with pytest.raises(ValueError, match="embed takes a CONV or a LOCAL net, not 'fc'"):
        embed(make(name, image_size=8))


def test_weights_outside_the_patches_are_zero() -> None:
    local = scrambled(make("s-local", image_size=12, base_channels=2, kernel_size=5))
    dense = embed(local).conv1.weight
    # each output sees 25 pixels of 3 channels, fewer at the border
    seen = (dense != 0).sum(dim=1)
    assert seen.max() == 75
    assert seen.min() == 27
    sees_only_padding = local.conv1.weight.numel() - int(seen.sum())
    x = torch.ones(1, 3, 12, 12, dtype=torch.float64)
    patches = F.unfold(x, 5, stride=2, padding=2)
    assert sees_only_padding == 2 * int((patches == 0).sum())


# The locally connected layer


GEOMETRIES = [
    Geometry(3, 32, 2, 9, 2, 4),
    Geometry(3, 32, 2, 9, 2, 0),
    Geometry(2, 7, 3, 3, 1, 1),
    Geometry(1, 10, 4, 3, 3, 0),  # a column and a row are left over
    Geometry(2, 11, 2, 5, 3, 2),
    Geometry(3, 5, 2, 1, 2, 0),
    Geometry(2, 6, 3, 6, 1, 0),  # one position
    Geometry(2, 3, 2, 7, 1, 3),  # the kernel is larger than the image
]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("g", GEOMETRIES)
def test_local_is_unfold_and_one_product_per_position(
    g: Geometry, bias: bool, computed: str
) -> None:
    layer = LocallyConnected2d(g, bias=bias).double()
    x = normal(4, g.in_channels, g.in_size, g.in_size).requires_grad_()
    patches = F.unfold(x, g.kernel_size, stride=g.stride, padding=g.padding)  # (N, fan_in, P)
    y = torch.einsum("pof,nfp->nop", layer.weight, patches)
    y = y if layer.bias is None else y + layer.bias.T
    expected = y.unflatten(2, (g.out_size, g.out_size))
    inputs = [x, *layer.parameters()]
    output_grad = normal(*expected.shape, seed=1)
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(
        torch.autograd.grad(layer(x), inputs, output_grad),
        torch.autograd.grad(expected, inputs, output_grad),
    )


@pytest.mark.parametrize("g", GEOMETRIES)
def test_tied_weights_make_a_convolution(g: Geometry, computed: str) -> None:
    """Outputs are equal, and the convolution's gradient is the sum over positions."""
    ours, local = models.Convolution(g, bias=True).double(), LocallyConnected2d(g, bias=True)
    local = local.double()
    conv = nn.Conv2d(g.in_channels, g.out_channels, g.kernel_size, g.stride, g.padding).double()
    conv.load_state_dict(ours.state_dict())
    local.weight.data.copy_(conv.weight.flatten(1))
    local.bias.data.copy_(conv.bias)
    x = normal(4, g.in_channels, g.in_size, g.in_size)
    expected = conv(x)
    output_grad = normal(*expected.shape, seed=1)
    for layer in (conv, ours, local):
        y = layer(x)
        torch.testing.assert_close(y, expected)
        y.backward(output_grad)
    for name, parameter in conv.named_parameters():
        shared, unshared = ours.get_parameter(name).grad, local.get_parameter(name).grad
        torch.testing.assert_close(shared, parameter.grad)
        torch.testing.assert_close(unshared.sum(0).view_as(parameter), parameter.grad)


@pytest.mark.parametrize("layer", [LocallyConnected2d, models.Convolution])
def test_training_goes_on_after_inference_mode(layer: Any) -> None:
    g = Geometry(1, 13, 1, 5, 1, 2)  # of no other test: places are kept
    module = layer(g)
    with torch.inference_mode():
        module(torch.ones(2, 1, 13, 13))
    module(torch.ones(2, 1, 13, 13)).sum().backward()
    assert module.weight.grad is not None


@pytest.mark.parametrize("g", GEOMETRIES)
@pytest.mark.parametrize("layer", [LocallyConnected2d, models.Convolution])
def test_initial_weights_are_bounded_by_the_fan_in(layer: Any, g: Geometry) -> None:
    """Kaiming-uniform with a = sqrt(5), torch's default for linear maps and convolutions."""
    torch.manual_seed(0)
    bound = 1 / math.sqrt(g.in_channels * g.kernel_size**2)
    module = layer(g, bias=True)
    for parameter in module.parameters():
        assert parameter.abs().max() <= bound
    values = module.weight.detach()
    if values.numel() > 300:
        assert values.abs().max() > 0.98 * bound
        assert abs(values.mean()) < 0.1 * bound
        assert values.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1)


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_convolutions_of_resnet18_start_as_torchvisions(kernel_size: int) -> None:
    torch.manual_seed(0)
    for conv in make("resnet18", base_channels=32, kernel_size=kernel_size).conv_layers:
        expected = math.sqrt(2 / (conv.out_channels * conv.kernel_size[0] ** 2))
        assert conv.weight.std().item() == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("name", NESTED)
def test_bf16_autocast(name: str, computed: str) -> None:
    model = make(name, image_size=16, base_channels=2, bias=True).eval()
    x = normal(6, 3, 16, 16).float()
    with torch.autocast("cpu", torch.bfloat16):
        y = model(x)
        assert model.conv1(x if model.kind != "fc" else x.flatten(1)).dtype == torch.bfloat16
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), model(x), rtol=0.1, atol=0.02)


# Building


@pytest.mark.parametrize("name", CHOICES["model"])
@pytest.mark.parametrize(("size", "channels", "classes"), [(8, 1, 10), (32, 3, 100)])
def test_every_net_maps_images_to_logits(name: str, size: int, channels: int, classes: int) -> None:
    model = make(name, image_size=size, in_channels=channels, num_classes=classes)
    logits = model(torch.ones(2, channels, size, size))
    assert logits.shape == (2, classes)
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("name", CHOICES["model"])
def test_the_same_seed_gives_the_same_weights(name: str) -> None:
    states = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        states.append(make(name, image_size=8).state_dict())
    first, again, other = states
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=f"^model: unknown value 's-rnn'; .*{', '.join(OURS)}"):
        make("s-rnn")
    assert sorted(models.MODELS) == sorted(CHOICES["model"]) == sorted([*OURS, "resnet18"])


@pytest.mark.parametrize("name", CHOICES["model"])
def test_a_name_alone_builds_the_papers_net_for_cifar_10(name: str) -> None:
    width = {"s": 150, "d": 15, "3": 150, "r": 64}[name[0]]
    with torch.device("meta"):
        assert weights(build(name)) == weights(make(name, base_channels=width))


@pytest.mark.parametrize("name", ["s-conv", "s-local"])
def test_a_kernel_larger_than_the_image_needs_padding(name: str) -> None:
    assert make(name, image_size=9, padding="none").geometries[0].out_size == 1
    with pytest.raises(ConfigError, match="8x8 images under a 9x9 kernel; choose 'same'") as error:
        make(name, image_size=8, padding="none")
    assert "\n" not in str(error.value)
    assert make(name, image_size=8).geometries[0].out_size == 4


@pytest.mark.parametrize("name", OURS)
def test_state_names_end_as_torchs_do(name: str) -> None:
    model = make(name, image_size=8, bias=True, affine=True)
    depth = {"s": 1, "d": 8, "3": 1}[name[0]]
    linear = [*(f"conv{k}" for k in range(1, depth + 1)), "fc1", "fc2"]
    norms = [*(f"bn{k}" for k in range(1, depth + 1)), "bn_fc1"]
    parts = ["weight", "bias"]
    statistics = ["running_mean", "running_var", "num_batches_tracked"]
    expected = {f"{layer}.{part}" for layer in linear for part in parts}
    expected |= {f"{norm}.{part}" for norm in norms for part in (*parts, *statistics)}
    assert model.state_dict().keys() == expected
    plain = make(name, image_size=8).state_dict().keys()
    assert plain == {f"{layer}.weight" for layer in linear} | {
        f"{norm}.{part}" for norm in norms for part in statistics
    }


@pytest.mark.parametrize("name", OURS)
def test_batch_norm_is_per_unit_in_fc_and_per_channel_elsewhere(name: str) -> None:
    model = make(name, image_size=16, base_channels=2)
    [first] = [m for n, m in model.named_modules() if n == "bn1"]
    units = {"s-fc": 2 * 8 * 8, "d-fc": 2 * 16 * 16, "3-fc": model.fc1.in_features}
    assert first.num_features == units.get(name, 2)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            assert (module.eps, module.affine) == (1e-5, False)


@pytest.mark.parametrize("name", OURS)
def test_dropout_acts_before_the_last_two_layers_in_training_only(name: str) -> None:
    model = make(name, image_size=16, base_channels=4, dropout=0.5)
    zeros: dict[str, float] = {}
    for layer in ("fc1", "fc2"):
        model.get_submodule(layer).register_forward_pre_hook(
            lambda _, inputs, layer=layer: zeros.update(
                {layer: float((inputs[0] == 0).float().mean())}
            )
        )
    x = normal(40, 3, 16, 16).float()
    torch.manual_seed(0)
    assert not torch.equal(model.train()(x), model(x))
    # ReLU leaves about half, dropout half of that
    assert zeros == {layer: pytest.approx(0.75, abs=0.1) for layer in ("fc1", "fc2")}
    assert torch.equal(model.eval()(x), model(x))
    assert all(share < 0.65 for share in zeros.values())
    model.train().dropout.p = 0.0
    assert torch.equal(model(x), model(x))


@pytest.mark.parametrize("name", CHOICES["model"])
def test_conv_layers_are_those_before_the_dense_ones(name: str) -> None:
    model = on_meta(name)
    names = [n for n, m in model.named_modules() if any(m is layer for layer in model.conv_layers)]
    if name == "resnet18":
        assert names == [n for n, m in model.named_modules() if isinstance(m, nn.Conv2d)]
    else:
        assert names == [f"conv{k + 1}" for k in range(8 if name[0] == "d" else 1)]


# What a net is made of


@pytest.mark.parametrize("name", CHOICES["model"])
def test_layers_are_all_weights_but_those_of_batch_normalisation(name: str) -> None:
    model = on_meta(name, bias=name != "resnet18")
    expected = {n: p for n, p in model.named_parameters() if p.ndim > 1 and "bias" not in n}
    found = layer_weights(model)
    assert [f"{layer}.weight" for layer in found] == [*expected]
    assert all(weight is expected[f"{layer}.weight"] for layer, weight in found.items())


@pytest.mark.parametrize("padding", ["same", "none"])
@pytest.mark.parametrize("name", OURS)
def test_filters_as_a_dense_product_are_the_first_layer(name: str, padding: str) -> None:
    if padding == "none" and name not in ("s-conv", "s-local"):
        padding = "same"
    model = scrambled(make(name, image_size=13, base_channels=2, padding=padding))
    filters = models.first_layer_filters(model)
    x = normal(4, 3, 13, 13)
    flat = isinstance(model.conv1, nn.Linear)
    expected = model.conv1(x.flatten(1) if flat else x).flatten(1)
    assert filters.shape == (expected.shape[1], 3, 13, 13)
    assert not filters.requires_grad
    torch.testing.assert_close(torch.einsum("uchw,nchw->nu", filters, x), expected)


def test_filters_of_resnet18_are_its_kernels() -> None:
    model = make("resnet18", kernel_size=5, base_channels=2)
    filters = models.first_layer_filters(model)
    assert torch.equal(filters, model.conv1.weight)
    assert filters.shape == (2, 3, 5, 5)


def test_networks_need_no_runs_and_only_resnet18_torchvision() -> None:
    """Which takes as long to import as torch."""
    code = """import sys, lcs.models
assert "lcs.config" not in sys.modules
import lcs.optim
assert "torchvision" not in sys.modules"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nets_of_one_kind_are_nets() -> None:
    for name in NESTED:
        model = on_meta(name)
        assert isinstance(model, Net)
        assert name == f"{name[0]}-{model.kind}"


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("s-conv", {"padding": "valid"}, "padding: unknown value 'valid'; choose from same, none"),
        ("s-conv", {"kernel_size": 4}, "kernel_size: 4 is even; give an odd number"),
        ("resnet18", {"kernel_size": 0}, "kernel_size: 0 is out of range"),
        ("s-fc", {"base_channels": 0}, "base_channels: 0 is out of range"),
        ("3-fc", {"kernel_size": 3}, "'3-fc' has no kernels"),
        ("3-fc", {"padding": "none"}, "padding: only s-conv and s-local .* leave it out"),
        ("resnet18", {"padding": "none"}, "padding: only s-conv and s-local .* leave it out"),
        ("d-fc", {"padding": "none"}, "^padding: only s-conv and s-local take 'none'; [a-z ]*$"),
        ("s-conv", {"base_channels": 1.5}, "base_channels: 1.5 is out of range"),
        ("s-conv", {"dropout": 2.0}, "dropout: 2.0 is out of range"),
        ("s-conv", {"dropout": math.nan}, "dropout: nan is out of range"),
        ("s-conv", {"kernel_size": 5.0}, "kernel_size: 5.0 is out of range"),
        ("s-conv", {"image_size": 0}, "image_size: 0 is out of range"),
        ("s-conv", {"num_classes": 0}, "num_classes: 0 is out of range"),
        ("s-conv", {"in_channels": 3.0}, "in_channels: 3.0 is out of range"),
        ("resnet18", {"dropout": 0.5}, "leave affine, bias and dropout out"),
    ],
)
def test_what_a_net_does_not_have_is_refused(
    name: str, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        make(name, **options)


@pytest.mark.filterwarnings("ignore")  # tracing is deprecated, and warns of the check of sizes
@pytest.mark.parametrize(("name", "alpha"), [("s-conv", 1), ("s-local", 1), ("s-local", 40)])
def test_an_exported_net_takes_any_batch_and_has_its_convolution(name: str, alpha: int) -> None:
    layout._places.cache_clear()  # as in a new process
    model, images = make(name, base_channels=alpha).eval(), normal(4, 3, 32, 32).float()
    result = model(images)
    count = torch.export.Dim("count", min=2)
    exported = torch.export.export(model, (images,), dynamic_shapes=({0: count},))
    torch.testing.assert_close(exported.module()(images[:3]), result[:3], rtol=1e-4, atol=1e-5)
    traced = torch.jit.trace(model, images)
    torch.testing.assert_close(traced(images[:3]), result[:3], rtol=1e-4, atol=1e-5)
    assert type(model(images)) is Tensor
    if name == "s-conv":
        assert "aten.conv2d" in str(exported.graph)
        assert "aten::_convolution" in str(traced.inlined_graph)


@pytest.mark.parametrize("name", OURS)
def test_images_of_another_size_are_refused(name: str) -> None:
    net = make(name)
    for shape in ((3, 16, 32), (3, 31, 31), (1, 32, 32)):
        with pytest.raises(ValueError, match=r"images of shape \(.*\) for a network of \(3, 32"):
            net(torch.zeros(4, *shape))


def test_an_embedding_draws_no_random_numbers() -> None:
    net = make("s-conv")
    before = torch.get_rng_state()
    embed(embed(net))
    assert torch.equal(torch.get_rng_state(), before)
