"""What backward needs of forward: out of reach of the output's owner, seen by hooks, freed by backward."""

import pytest
import torch
from torch.autograd.graph import save_on_cpu, saved_tensors_hooks
from torch.utils.checkpoint import checkpoint

from grucast.kernels import native
from grucast.nn import GRU, GRUCell

pytestmark = pytest.mark.skipif(not native.available(), reason="the extension was not built")
VARIANTS = pytest.mark.parametrize("reset_after", [True, False])
SHAPES = pytest.mark.parametrize(
    "shape", [{}, {"recompute": True}, {"num_layers": 2, "bidirectional": True, "batch_first": True}]
)


def gradients(layer, x, run=lambda layer, x: layer(x)[0]):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(run(layer, x).square().sum(), [x, *layer.parameters()])


def equal(actual, expected):
    return all(torch.equal(a, b) for a, b in zip(actual, expected, strict=True))


def scale_by_numpy(output):
    values = output.detach().numpy()
    values *= 100


BEHIND = {
    "numpy": scale_by_numpy,
    "data": lambda output: output.data.zero_(),
    "NaN": lambda output: output.data.fill_(torch.nan),
}


@VARIANTS
@SHAPES
@pytest.mark.parametrize("change", BEHIND)
def test_an_output_changed_behind_autograd_changes_no_gradient(reset_after, shape, change):
    layer, x = GRU(2, 5, **shape, reset_after=reset_after), torch.randn(6, 20, 2)
    x.requires_grad_()
    results = []
    for spoil in (lambda _: None, BEHIND[change]):
        output, h_n = layer(x)
        loss = output.sum() + h_n.sum()
        spoil(output)
        spoil(h_n)
        results.append(torch.autograd.grad(loss, [x, *layer.parameters()]))
    assert equal(*results)


IN_PLACE = {
    "relu_": (torch.relu_, torch.relu),
    "+=": (lambda y: y.add_(y.detach()), lambda y: y + y.detach()),
    "masked_fill_": (lambda y: y.masked_fill_(y > 0, 3), lambda y: y.masked_fill(y > 0, 3)),
    "[0] = 0": (lambda y: y.__setitem__(0, 0), lambda y: torch.cat([torch.zeros_like(y[:1]), y[1:]])),
}


@VARIANTS
@SHAPES
@pytest.mark.parametrize("change", IN_PLACE)
def test_the_output_may_be_changed_in_place(reset_after, shape, change):
    layer, x = GRU(2, 5, **shape, reset_after=reset_after), torch.randn(6, 4, 2)
    in_place, apart = IN_PLACE[change]

    def run(layer, x):
        output, h_n = layer(x)
        in_place(output)
        in_place(h_n)
        return torch.cat([output.flatten(), h_n.flatten()])

    def expected(layer, x):
        return torch.cat([apart(y).flatten() for y in layer(x)])

    torch.testing.assert_close(gradients(layer, x, run), gradients(layer, x, expected))


@VARIANTS
def test_an_episode_may_be_reset_in_the_state_of_a_cell(reset_after):
    cell, x, done = GRUCell(2, 5, reset_after=reset_after), torch.randn(6, 4, 2), torch.tensor([1, 0, 0, 1]).bool()

    def run(reset):
        def steps(cell, x):
            states = [torch.zeros(4, 5)]
            for now in x:
                states.append(reset(cell(now, states[-1])))
            return torch.stack(states)

        return steps

    def in_place(state):
        state[done] = 0
        return state

    expected = gradients(cell, x, run(lambda state: state.masked_fill(done[:, None], 0)))
    assert equal(gradients(cell, x, run(in_place)), expected)


@VARIANTS
@SHAPES
def test_hooks_and_checkpoints_see_all_that_is_kept(reset_after, shape):
    layer, x, kept = GRU(2, 5, **shape, reset_after=reset_after), torch.randn(6, 4, 2), []
    expected = gradients(layer, x)

    def pack(tensor):
        kept.append(tensor.numel())
        return tensor.clone()

    def hooked(layer, x):
        with saved_tensors_hooks(pack, lambda tensor: tensor):
            return layer(x)[0]

    def moved(layer, x):
        with save_on_cpu():
            return layer(x)[0]

    assert equal(gradients(layer, x, hooked), expected)
    states, gates = 6 * 4 * 5, 0 if shape.get("recompute") else native.saved_size(4, 6, 5)
    assert (states + gates) * (2 if len(shape) > 1 else 1) in kept
    assert equal(gradients(layer, x, moved), expected)
    assert equal(
        gradients(layer, x, lambda layer, x: checkpoint(lambda x: layer(x)[0], x, use_reentrant=False)), expected
    )


@VARIANTS
def test_backward_frees_what_was_kept(reset_after):
    layer, x = GRU(2, 5, reset_after=reset_after), torch.randn(6, 4, 2)
    output = layer(x)[0]
    node = output.grad_fn
    assert node.saved_tensors[0].numel() == native.saved_size(4, 6, 5) + 6 * 4 * 5
    output.sum().backward()
    with pytest.raises(RuntimeError, match="already been freed"):
        _ = node.saved_tensors
    with pytest.raises(RuntimeError, match="second time"):
        output.sum().backward()


@VARIANTS
def test_one_step_keeps_no_states(reset_after):
    layer = GRU(2, 5, reset_after=reset_after)
    assert layer(torch.randn(1, 4, 2))[0].grad_fn.saved_tensors[0].numel() == native.saved_size(4, 1, 5)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_the_gradient_of_x_holds_no_more_memory_than_its_own(bidirectional):
    x = torch.randn(6, 4, 2, requires_grad=True)
    GRU(2, 5, bidirectional=bidirectional)(x)[0].sum().backward()
    assert x.grad.untyped_storage().nbytes() == x.grad.nbytes


@pytest.mark.parametrize("steps", [6, 600])
def test_a_default_device_changes_nothing(steps):
    layer, x = GRU(2, 20), torch.randn(steps, 4, 2)
    expected = gradients(layer, x)
    with torch.device("meta"):
        assert equal(gradients(layer, x), expected)
