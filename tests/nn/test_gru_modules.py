"""What torch's tests ask of every module, at the samples that torch has for nn.GRU and nn.GRUCell."""

import copy
import io
import pickle

import pytest
import torch
from torch.testing._internal import common_modules

from grucast.nn import GRU, GRUCell

OURS = {torch.nn.GRU: GRU, torch.nn.GRUCell: GRUCell}
INFOS = [info for info in common_modules.module_db if info.module_cls in OURS]


def samples(info, dtype=torch.float64):
    return list(info.module_inputs_func(info, "cpu", dtype, True, training=True))


CASES = [(info, i) for info in INFOS for i in range(len(samples(info)))]


def name(case):
    return f"{case[0].name}{case[1]}"


@pytest.fixture(params=CASES, ids=name)
def case(request):
    """torch's description of a module, and the number of one of its samples."""
    return request.param


@pytest.fixture(params=[True, False], ids=["after", "before"])
def reset_after(request):
    return request.param


def constructor(case):
    return samples(case[0])[case[1]].constructor_input


def make(case, reset_after, dtype=torch.float64):
    """Our module in place of torch's, and the sample's tensors."""
    info, i = case
    sample = samples(info, dtype)[i]
    given = sample.constructor_input
    module = OURS[info.module_cls](*given.args, **given.kwargs, dtype=dtype, reset_after=reset_after)
    return module, list(sample.forward_input.args)


def flat(result):
    return list(result) if isinstance(result, tuple) else [result]


def same(actual, expected, **tolerance):
    torch.testing.assert_close(actual, expected, **tolerance)


def test_a_module_of_a_type_keeps_it(case, reset_after):
    for dtype in (torch.float32, torch.float64):
        module, inputs = make(case, reset_after, dtype)
        assert {p.dtype for p in module.parameters()} == {t.dtype for t in flat(module(*inputs))} == {dtype}


def test_forward_leaves_its_inputs_as_they_are(case, reset_after):
    module, inputs = make(case, reset_after)
    before, weights = copy.deepcopy(inputs), copy.deepcopy(module.state_dict())
    same(flat(module(*inputs)), flat(module(*inputs)), rtol=0, atol=0)
    same(inputs, before, rtol=0, atol=0)
    same(module.state_dict(), weights, rtol=0, atol=0)


def test_a_default_type_is_that_of_the_weights(case, reset_after):
    given = constructor(case)
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        module = OURS[case[0].module_cls](*given.args, **given.kwargs, reset_after=reset_after)
    finally:
        torch.set_default_dtype(before)
    assert {p.dtype for p in module.parameters()} == {torch.float64}


@pytest.mark.parametrize("wish", [{"dtype": torch.float32}, {"dtype": torch.bfloat16}, {"device": "meta"}])
def test_weights_are_made_where_and_as_one_wishes(case, reset_after, wish):
    given = constructor(case)
    module = OURS[case[0].module_cls](*given.args, **given.kwargs, **wish, reset_after=reset_after)
    for parameter in module.parameters():
        assert wish in ({"dtype": parameter.dtype}, {"device": parameter.device.type})
    empty = torch.nn.utils.skip_init(type(module), *given.args, **given.kwargs, reset_after=reset_after)
    assert [p.shape for p in empty.parameters()] == [p.shape for p in module.parameters()]


def test_repr_builds_the_same_module(case, reset_after):
    module = make(case, reset_after)[0]
    again = eval(repr(module), {type(module).__name__: type(module)})
    assert repr(again) == repr(module)
    assert [p.shape for p in again.parameters()] == [p.shape for p in module.parameters()]


def through_pickle(module, _):
    return pickle.loads(pickle.dumps(module))


def through_state(module, empty):
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    empty.load_state_dict(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
    return empty


def through_a_move(module, _):
    return (
        copy.deepcopy(module).to("meta").to_empty(device="cpu").apply(lambda m: m.load_state_dict(module.state_dict()))
    )


@pytest.mark.parametrize(
    "way", [through_pickle, through_state, through_a_move, lambda module, _: copy.deepcopy(module)]
)
def test_copies_compute_the_same(case, reset_after, way):
    module, inputs = make(case, reset_after)
    module(*inputs)
    copied = way(module, make(case, reset_after)[0])
    assert (type(copied), copied.training, copied.reset_after) == (type(module), True, reset_after)
    same(flat(copied(*inputs)), flat(module(*inputs)), rtol=0, atol=0)


def strided(tensor):
    """The same numbers, apart from each other."""
    apart = torch.repeat_interleave(tensor.detach(), 2, dim=-1)[..., ::2]
    return apart.requires_grad_(tensor.requires_grad)


def test_tensors_may_be_strided(case, reset_after):
    module, inputs = make(case, reset_after)
    results = []
    for arrange in (lambda t: t.detach().clone().requires_grad_(), strided):
        tensors = [arrange(t) for t in inputs]
        outputs = flat(module(*tensors))
        gradients = [arrange(torch.linspace(-1, 1, t.numel(), dtype=t.dtype).view(t.shape)).detach() for t in outputs]
        found = torch.autograd.grad(outputs, [*tensors, *module.parameters()], gradients)
        results.append([*outputs, *found])
    assert not any(t.is_contiguous() for t in tensors)
    same(*results, rtol=0, atol=0)


def test_training_and_evaluation_differ_by_dropout_alone(case, reset_after):
    module, inputs = make(case, reset_after)
    results = []
    for training in (True, False):
        module.train(training)
        results.append(flat(module(*inputs)))
    same(*results, rtol=0, atol=0)
    if isinstance(module, GRU):
        module.dropout = 0.9
        same(flat(module(*inputs)), results[1], rtol=0, atol=0)
        assert not all(torch.equal(a, b) for a, b in zip(flat(module.train()(*inputs)), results[0], strict=True))


@pytest.mark.parametrize("case", [case for case in CASES if case[1] % 5 == 0], indirect=True, ids=name)  # every option
@pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # torch's own forward mode uses it
def test_derivatives_of_all_inputs_and_weights_equal_differences(case, reset_after):
    module, inputs = make(case, reset_after)
    names = [n for n, _ in module.named_parameters()]

    def run(*tensors):
        weights = dict(zip(names, tensors[len(inputs) :], strict=True))
        return torch.func.functional_call(module, weights, tensors[: len(inputs)])

    tensors, ways = (*inputs, *module.parameters()), {"check_batched_grad": True, "fast_mode": True}
    torch.autograd.gradcheck(run, tensors, **ways, check_forward_ad=True)
    torch.autograd.gradgradcheck(run, tensors, **ways)
