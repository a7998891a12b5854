"""The networks: their sizes are the paper's, and each one embeds the next smaller."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize, prune

from lcs import models
from lcs.config import CHOICES
from lcs.errors import ConfigError
from lcs.models import Convolution, LocallyConnected2d, build, embed, layer_weights, layers
from lcs.shapes import Geometry

NESTED = [f"{depth}-{kind}" for depth in "sd" for kind in ("conv", "local", "fc")]
OURS = [*NESTED, "3-fc"]  # all but torchvision's
GRID = [(1, 32, 10), (4, 16, 100), (7, 64, 20), (15, 32, 10), (150, 32, 100)]  # alpha, s, c


def make(name: str, **options: Any) -> Any:
    """Build a small network by default."""
    return build(name, **({"base_channels": 1} | options))


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
    monkeypatch.setattr(layers, "DENSE_UP_TO", 2**60 if request.param == "dense" else 0)
    return request.param


# Counts

# As published, but for D-LOCAL. There Table 4 says 9 * s**2 * a**2 // 2**k for conv2 .. conv8 with
# k = 1 .. 7, which no net has: by the shapes in its own first column, each halving of the image
# with twice the channels keeps half of the weights, and each layer of stride 1 has twice as many.
TABLES = {
    "s-conv": lambda a, s: [81 * 3 * a],
    "s-local": lambda a, s: [81 * 3 * s**2 * a // 4],
    "s-fc": lambda a, s: [3 * s**4 * a // 4],
    "d-conv": lambda a, s: [9 * 3 * a] + [9 * 2**k * a**2 for k in range(1, 8)],
    "d-local": lambda a, s: (
        [9 * 3 * s**2 * a] + [9 * s**2 * a**2 // (1 if k % 2 == 0 else 2) for k in range(1, 8)]
    ),
    "d-fc": lambda a, s: [3 * s**4 * a] + [s**4 * a**2 // 2**k for k in range(1, 8)],
}


@pytest.mark.parametrize(("alpha", "s", "c"), GRID)
@pytest.mark.parametrize("name", TABLES)
def test_counts_are_those_of_tables_3_and_4(name: str, alpha: int, s: int, c: int) -> None:
    model = on_meta(name, base_channels=alpha, image_size=s, num_classes=c)
    counts = {layer: weight.numel() for layer, weight in layer_weights(model).items()}
    expected = {f"conv{k}": count for k, count in enumerate(TABLES[name](alpha, s), start=1)}
    first, last = (6, 24) if name[0] == "s" else (4, 64)
    assert counts == expected | {"fc1": first * s**2 * alpha**2, "fc2": last * c * alpha}
    assert weights(model) == sum(counts.values())


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        *(("s-conv", 138.3), ("s-local", 147.6), ("s-fc", 256.2), ("d-conv", 1.45)),
        *(("d-local", 11.71), ("d-fc", 282.2), ("resnet18", 11.173962)),  # 3.42 as published
    ],
)
def test_a_name_alone_builds_the_papers_net_for_cifar_10(name: str, millions: float) -> None:
    with torch.device("meta"):
        found = weights(build(name)) / 1e6
    assert round(found, len(str(millions).split(".")[1])) == millions
    local = on_meta("s-local", padding="none")  # the reproduction's
    assert [w.numel() for w in layer_weights(local).values()] == [34_992, 3_456, 240]


@pytest.mark.parametrize(("alpha", "s", "c"), [*GRID, (1, 8, 10), (2, 32, 10), (40, 32, 10)])
def test_3_fc_has_the_width_nearest_to_the_budget(alpha: int, s: int, c: int) -> None:
    options = {"base_channels": alpha, "image_size": s, "num_classes": c}
    budget = weights(on_meta("s-fc", **options))
    model = on_meta("3-fc", **options)
    width = model.fc1.out_features
    sizes = {w: w**2 + (3 * s**2 + c) * w for w in (width - 1, width, width + 1)}
    assert weights(model) == sizes[width]
    assert min(sizes, key=lambda w: abs(sizes[w] - budget)) == width


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
    for model, kind in ((local, "local"), (fc, "fc")):
        built = make(f"{name[0]}-{kind}", bias=extras, affine=extras, **options)
        shapes = {name: value.shape for name, value in built.state_dict().items()}
        assert {name: value.shape for name, value in model.state_dict().items()} == shapes
        assert (model.kind, model.dropout.p) == (kind, 0.5)
    x = normal(5, options.get("in_channels", 3), options["image_size"], options["image_size"])
    expected = conv(x)
    assert expected.std() > 0.1
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


@pytest.mark.parametrize(("training", "dtype"), [(True, torch.float32), (False, torch.float64)])
def test_an_embedding_shares_nothing_with_its_net_but_mode_and_type(training, dtype) -> None:
    conv = make("s-conv", image_size=10, affine=True).to(dtype).train(training)
    before = {name: value.clone() for name, value in conv.state_dict().items()}
    random_numbers = torch.get_rng_state()
    local = embed(conv)
    assert torch.equal(torch.get_rng_state(), random_numbers)
    assert all(module.training == training for module in local.modules())
    assert {parameter.dtype for parameter in local.parameters()} == {dtype}
    for value in local.state_dict().values():
        value.zero_()
    assert all(torch.equal(value, before[name]) for name, value in conv.state_dict().items())
    for dense in (embed(local), on_meta("resnet18")):
        with pytest.raises(ValueError, match=r"embed takes .*, not '(fc|Scaled)"):
            embed(dense)


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


@pytest.mark.parametrize("g", GEOMETRIES)
def test_local_is_unfold_and_one_product_per_position(g: Geometry, computed: str) -> None:
    layer = LocallyConnected2d(g, bias=True).double()
    x = normal(4, g.in_channels, g.in_size, g.in_size).requires_grad_()
    patches = F.unfold(x, g.kernel_size, stride=g.stride, padding=g.padding)  # (N, fan_in, P)
    y = torch.einsum("pof,nfp->nop", layer.weight, patches) + layer.bias.T
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
    ours, local = (kind(g, bias=True).double() for kind in (Convolution, LocallyConnected2d))
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


@pytest.mark.parametrize("layer", [LocallyConnected2d, Convolution])
def test_training_goes_on_after_inference_mode(layer: Any) -> None:
    module = layer(Geometry(1, 13, 1, 5, 1, 2))  # of no other test: places are kept
    with torch.inference_mode():
        module(torch.ones(2, 1, 13, 13))
    module(torch.ones(2, 1, 13, 13)).sum().backward()
    assert module.weight.grad is not None


@pytest.mark.parametrize("layer", [LocallyConnected2d, Convolution])
def test_initial_weights_are_bounded_by_the_fan_in(layer: Any) -> None:
    """Kaiming-uniform with a = sqrt(5), torch's default for linear maps and convolutions."""
    torch.manual_seed(0)
    module = layer(Geometry(3, 32, 4, 9, 2, 4), bias=True)
    bound, values = 1 / math.sqrt(3 * 9**2), module.weight.detach()
    assert all(parameter.abs().max() <= bound for parameter in module.parameters())
    assert values.abs().max() > 0.98 * bound
    assert abs(values.mean()) < 0.1 * bound
    assert values.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1)


@pytest.mark.parametrize("name", NESTED)
def test_bf16_autocast(name: str, computed: str) -> None:
    model = make(name, image_size=16, base_channels=2, bias=True).eval()
    x = normal(6, 3, 16, 16).float()
    with torch.autocast("cpu", torch.bfloat16):
        y = model(x)
        assert model.conv1(x if model.kind != "fc" else x.flatten(1)).dtype == torch.bfloat16
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), model(x), rtol=0.1, atol=0.02)


# What is built


@pytest.mark.parametrize("name", CHOICES["model"])
@pytest.mark.parametrize(("size", "channels", "classes"), [(8, 1, 10), (32, 3, 100)])
def test_every_net_maps_images_to_logits(name: str, size: int, channels: int, classes: int) -> None:
    models, logits = [], []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        models += [make(name, image_size=size, in_channels=channels, num_classes=classes)]
        logits += [models[-1](torch.ones(2, channels, size, size))]
    assert logits[0].shape == (2, classes)
    for shape in ((channels, size, 31), (4, size, size)) if name in OURS else ():
        with pytest.raises(ValueError, match=r"images of shape \(.*\) for a network of"):
            models[0](torch.zeros(4, *shape))
    first, again, other = (torch.nn.utils.parameters_to_vector(m.parameters()) for m in models)
    assert torch.equal(first, again), "the same seed gives the same weights"
    assert not torch.equal(first, other)
    logits[0].sum().backward()
    assert all(parameter.grad is not None for parameter in models[0].parameters())


@pytest.mark.parametrize("name", OURS)
def test_names_of_states_and_layers(name: str) -> None:
    """As checkpoints have them."""
    model = make(name, image_size=8, bias=True, affine=True)
    depth = 8 if name[0] == "d" else 1
    convs = [f"conv{k}" for k in range(1, depth + 1)]
    norms = [*(f"bn{k}" for k in range(1, depth + 1)), "bn_fc1"]
    parts, statistics = ["weight", "bias"], ["running_mean", "running_var", "num_batches_tracked"]
    expected = {f"{layer}.{part}" for layer in (*convs, "fc1", "fc2") for part in parts}
    expected |= {f"{norm}.{part}" for norm in norms for part in (*parts, *statistics)}
    assert model.state_dict().keys() == expected
    assert list(layer_weights(model)) == [*convs, "fc1", "fc2"]
    assert all(w is model.get_parameter(f"{n}.weight") for n, w in layer_weights(model).items())
    assert model.conv_layers == [model.get_submodule(layer) for layer in convs]


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_resnet18_has_every_layer_and_starts_as_torchvisions(kernel_size: int) -> None:
    torch.manual_seed(0)
    model = make("resnet18", kernel_size=kernel_size, base_channels=32)
    matrices = [name for name, p in model.named_parameters() if p.ndim > 1]
    assert [f"{layer}.weight" for layer in layer_weights(model)] == matrices
    assert model.conv_layers == [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert torch.equal(models.first_layer_filters(model), model.conv1.weight)
    for conv in model.conv_layers:
        expected = math.sqrt(2 / (conv.out_channels * conv.kernel_size[0] ** 2))
        assert conv.weight.std().item() == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("name", OURS)
def test_dropout_acts_before_the_last_two_layers_in_training_only(name: str) -> None:
    model = make(name, image_size=16, base_channels=4, dropout=0.5)
    zeros: dict[Any, float] = {}
    for layer in (model.fc1, model.fc2):
        layer.register_forward_pre_hook(
            lambda layer, inputs: zeros.update({layer: float((inputs[0] == 0).float().mean())})
        )
    x = normal(40, 3, 16, 16).float()
    torch.manual_seed(0)
    assert not torch.equal(model.train()(x), model(x))
    # ReLU leaves about half, dropout half of that
    assert [*zeros.values()] == pytest.approx([0.75, 0.75], abs=0.1)
    assert torch.equal(model.eval()(x), model(x))
    assert all(share < 0.65 for share in zeros.values())


@pytest.mark.parametrize(
    ("name", "padding"),
    [*((name, "same") for name in OURS), ("s-conv", "none"), ("s-local", "none")],
)
def test_filters_as_a_dense_product_are_the_first_layer(name: str, padding: str) -> None:
    model = scrambled(make(name, image_size=13, base_channels=2, padding=padding))
    filters = models.first_layer_filters(model)
    x = normal(4, 3, 13, 13)
    flat = isinstance(model.conv1, nn.Linear)
    expected = model.conv1(x.flatten(1) if flat else x).flatten(1)
    assert filters.shape == (expected.shape[1], 3, 13, 13)
    assert not filters.requires_grad
    torch.testing.assert_close(torch.einsum("uchw,nchw->nu", filters, x), expected)


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("s-rnn", {}, f"model: unknown value 's-rnn'; .*{', '.join(models.MODELS)}"),
        ("s-conv", {"padding": "valid"}, "padding: unknown value 'valid'"),
        ("d-fc", {"padding": "none"}, "padding: only s-conv and s-local"),
        ("s-local", {"padding": "none", "image_size": 8}, "8x8 images under a 9x9 kernel"),
        *(("s-conv", {field: value}, f"{field}: {value} is out of range")
          for field, value in (("base_channels", 1.5), ("dropout", 2.0), ("dropout", math.nan),
                               ("kernel_size", 5.0), ("kernel_size", 0), ("image_size", 0),
                               ("num_classes", 0), ("in_channels", 3.0))),
    ],
)  # fmt: skip
def test_what_a_net_does_not_have_is_refused(
    name: str, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        make(name, **options)


@pytest.mark.filterwarnings("ignore")  # tracing is deprecated, and warns of the check of sizes
@pytest.mark.parametrize(("name", "alpha"), [("s-conv", 1), ("s-local", 1), ("s-local", 40)])
def test_an_exported_net_takes_any_batch_and_has_its_convolution(name: str, alpha: int) -> None:
    layers._places.cache_clear()  # as in a new process
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
