"""Weights that come from elsewhere, in any dtype: the layers do with them what torch's do, or what copies would."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.utils import prune
from torch.nn.utils.parametrizations import orthogonal, spectral_norm, weight_norm

from grucast.nn import GRU, GRUCell

VARIANTS = pytest.mark.parametrize("reset_after", [True, False])
KINDS = {
    "layer": (GRU, {}),
    "deep": (GRU, {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    "cell": (GRUCell, {}),
}
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
SIZES = {"layer": (6, 4, 3), "deep": (4, 6, 3), "cell": (4, 3)}


def make(kind, reset_after=True):
    layer, options = KINDS[kind]
    return layer(3, 5, reset_after=reset_after, **options), torch.randn(SIZES[kind])


def same(actual, expected, **tolerance):
    torch.testing.assert_close(actual, expected, **tolerance)


def total(result):
    return sum(t.square().sum() for t in (result if isinstance(result, tuple) else [result]))


def replace_in_dictionary(layer, weights):
    for name, weight in weights.items():
        layer._parameters[name] = nn.Parameter(weight)
    return layer


def replace_data(layer, weights):
    for name, weight in weights.items():
        getattr(layer, name).data = weight
    return layer


def replace_by_plain_tensors(layer, weights):
    for name, weight in weights.items():
        delattr(layer, name)
        setattr(layer, name, weight)
    return layer


WAYS = {
    "functional_call": lambda layer, weights: lambda *inputs: functional_call(layer, weights, inputs),
    "dictionary": replace_in_dictionary,
    "data": replace_data,
    "plain tensors": replace_by_plain_tensors,
}


@VARIANTS
@EVERY_KIND
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("way", WAYS)
def test_weights_put_in_count_as_those_of_a_layer_of_their_own(kind, reset_after, dtype, way):
    layer, x = make(kind, reset_after)
    layer(x)
    other = make(kind, reset_after)[0].to(dtype)
    weights = {name: p.detach().clone() for name, p in other.named_parameters()}
    run = WAYS[way](layer, weights)
    same(run(x.to(dtype)), other(x.to(dtype)), rtol=0, atol=0)
    if dtype != torch.float32:
        with pytest.raises((RuntimeError, ValueError), match="dtype"):
            run(x)


@EVERY_KIND
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("way", WAYS)
def test_weights_put_in_count_as_in_torch(kind, dtype, way):
    mine, x = make(kind)
    theirs = getattr(nn, type(mine).__name__)(3, 5, **KINDS[kind][1])
    weights = {name: p.detach().to(dtype) for name, p in make(kind)[0].named_parameters()}
    results = [WAYS[way](layer, weights)(x.to(dtype)) for layer in (mine, theirs)]
    same(*results, **({"rtol": 0.05, "atol": 0.02} if dtype == torch.bfloat16 else {}))


@VARIANTS
@EVERY_KIND
def test_a_call_with_other_weights_leaves_no_trace(kind, reset_after):
    layer, x = make(kind, reset_after)
    expected = layer(x)
    scale = torch.ones(1, requires_grad=True)
    functional_call(layer, {name: (p * scale).double() for name, p in layer.named_parameters()}, (x.double(),))
    same(layer(x), expected, rtol=0, atol=0)
    same(copy.deepcopy(layer)(x), expected, rtol=0, atol=0)


@VARIANTS
@EVERY_KIND
def test_a_layer_on_meta_is_filled_tensor_by_tensor(kind, reset_after):
    layer, x = make(kind, reset_after)
    empty = copy.deepcopy(layer).to("meta")
    for name, weight in layer.state_dict().items():
        empty._parameters[name] = nn.Parameter(weight.to("cpu", torch.float64), requires_grad=False)
    same(empty(x.double()), copy.deepcopy(layer).double()(x.double()), rtol=0, atol=0)


PARAMETRIZED = {
    "weight_norm": weight_norm,
    "orthogonal": orthogonal,
    "spectral_norm": spectral_norm,
    "pruned": lambda layer, name: prune.l1_unstructured(layer, name, amount=0.5),
}


@VARIANTS
@EVERY_KIND
@pytest.mark.parametrize("change", PARAMETRIZED)
def test_parametrized_weights_learn_as_the_weights_they_make(kind, reset_after, change):
    layer, x = make(kind, reset_after)
    name = "weight_hh" if kind == "cell" else "weight_hh_l0"
    PARAMETRIZED[change](layer, name)
    layer.eval()
    made = {n: getattr(layer, n).detach().requires_grad_() for n in make(kind)[0].state_dict()}
    plain = make(kind, reset_after)[0]
    results = [total(layer(x)), total(functional_call(plain, made, (x,)))]
    same(*results, rtol=0, atol=0)
    results[0].backward()
    (d_weight,) = torch.autograd.grad(results[1], [made[name]])
    sources = [p for n, p in layer.named_parameters() if "original" in n or n.endswith("_orig")]
    layer(x)
    expected = torch.autograd.grad(getattr(layer, name), sources, d_weight)
    same([p.grad for p in sources], list(expected))


@VARIANTS
@EVERY_KIND
def test_weights_that_a_network_makes_pass_gradients_on_to_it(kind, reset_after):
    layer, x = make(kind, reset_after)
    count = sum(p.numel() for p in layer.parameters())
    hyper, code = nn.Linear(2, count), torch.ones(2)

    def weights(flat):
        pieces = flat.split([p.numel() for p in layer.parameters()])
        return {n: piece.view_as(p) for (n, p), piece in zip(layer.named_parameters(), pieces, strict=True)}

    total(functional_call(layer, weights(hyper(code)), (x,))).backward()
    flat = hyper(code).detach().requires_grad_()
    (d_flat,) = torch.autograd.grad(total(functional_call(layer, weights(flat), (x,))), [flat])
    same(hyper.bias.grad, d_flat)
    same(hyper.weight.grad, d_flat[:, None] * code)


@EVERY_KIND
def test_a_step_within_a_step_learns_as_in_torch(kind):
    mine, x = make(kind)
    theirs = getattr(nn, type(mine).__name__)(3, 5, **KINDS[kind][1])
    theirs.load_state_dict(mine.state_dict())
    results = []
    for layer in (mine, theirs):
        parameters = dict(layer.named_parameters())
        inner = torch.autograd.grad(total(layer(x)), list(parameters.values()), create_graph=True)
        moved = {name: p - 0.1 * g for (name, p), g in zip(parameters.items(), inner, strict=True)}
        results.append(torch.autograd.grad(total(functional_call(layer, moved, (x,))), list(parameters.values())))
    same(*results)


@EVERY_KIND
def test_the_penalty_of_a_critics_gradient_learns_as_in_torch(kind):
    mine, x = make(kind)
    theirs = getattr(nn, type(mine).__name__)(3, 5, **KINDS[kind][1])
    theirs.load_state_dict(mine.state_dict())
    results = []
    for layer in (mine, theirs):
        inputs = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(total(layer(inputs)), [inputs], create_graph=True)
        ((slope.norm(2, dim=-1) - 1) ** 2).mean().backward()
        results.append([p.grad for p in layer.parameters()])
    same(*results)


@VARIANTS
@EVERY_KIND
def test_an_ensemble_on_meta_maps_over_its_members(kind, reset_after):
    members, x = [make(kind, reset_after)[0] for _ in range(3)], make(kind)[1]
    weights, _ = torch.func.stack_module_state(members)
    skeleton = copy.deepcopy(members[0]).to("meta")
    result = torch.func.vmap(lambda w, x: functional_call(skeleton, w, (x,)), (0, None))(weights, x)
    expected = [member(x) for member in members]
    stacked = [torch.stack(t) for t in zip(*expected, strict=True)] if kind != "cell" else torch.stack(expected)
    same(list(result) if kind != "cell" else result, stacked)
