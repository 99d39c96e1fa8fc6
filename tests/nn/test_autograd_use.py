"""The native layer in use: changed weights, errors, threads, very long sequences."""

import copy
import gc
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from grucast.kernels import native
from grucast.nn import GRU, autograd
from grucast.nn.autograd import run_layer
from grucast.nn.buffer_pool import BufferPool
from grucast.nn.torch_ops import LayerOptions

pytestmark = pytest.mark.skipif(not native.available(), reason="the extension was not built")
VARIANTS = pytest.mark.parametrize("reset_after", [True, False])


def equal(actual, expected):
    return all(torch.equal(a, b) for a, b in zip(actual, expected, strict=True))


def train(layer, x):
    """Output, final state and all gradients of one step, which leaves no gradients in the layer."""
    x = x.detach().requires_grad_()
    output, h_n = layer(x)
    return output, h_n, *torch.autograd.grad(output.square().sum() + h_n.sum(), [x, *layer.parameters()])


def set_data(layer):
    for p in layer.parameters():
        p.data = -p.data


CHANGES = {
    "an optimizer's step": lambda layer: torch.optim.SGD(layer.parameters(), 0.1).step(),
    "copy_": lambda layer: [p.detach().copy_(-p.detach()) for p in layer.parameters()],
    "other data": set_data,
    "load_state_dict": lambda layer: layer.load_state_dict({name: -w for name, w in layer.state_dict().items()}),
    "another parameter": lambda layer: setattr(layer, "weight_hh_l0", torch.nn.Parameter(-layer.weight_hh_l0)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_weights_count_at_once(change):
    layer, x = GRU(2, 5), torch.randn(6, 20, 2)
    layer(x)[0].square().sum().backward()
    before = train(layer, x)
    CHANGES[change](layer)
    after = train(layer, x)
    assert not equal(after[:1], before[:1])
    assert equal(after, train(copy.deepcopy(layer), x))


@pytest.mark.parametrize("place", ["x", "weight"])
def test_changing_what_backward_reads_is_an_error(place):
    layer, x = GRU(2, 5), torch.randn(6, 3, 2)
    output = layer(x)[0]
    with torch.no_grad():
        {"x": x, "weight": layer.weight_hh_l0}[place].add_(1)
    with pytest.raises(RuntimeError, match="inplace"):
        output.sum().backward()


@pytest.mark.parametrize("place", ["before", "after"])
def test_an_error_in_backward_gives_the_buffer_back(place, monkeypatch):
    monkeypatch.setattr(autograd, "_pool", BufferPool())
    layer, x = GRU(2, 20), torch.randn(20, 40, 2)
    expected = train(layer, x)
    inputs = x.clone().requires_grad_()
    output = run_layer(inputs, None, layer.all_weights[0], LayerOptions())[0]
    address = output.grad_fn.saved_tensors[0].data_ptr()
    (output if place == "before" else inputs).register_hook(lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        output.sum().backward()
    del output
    gc.collect()
    again = run_layer(x, None, layer.all_weights[0], LayerOptions())[0]
    assert again.grad_fn.saved_tensors[0].data_ptr() == address
    assert equal(train(layer, x), expected)


@VARIANTS
def test_two_threads_with_one_layer_get_what_each_gets_alone(reset_after):
    layer, start = GRU(3, 40, 2, reset_after=reset_after), threading.Barrier(2)
    inputs = [torch.randn(30, 50, 3), torch.randn(40, 6, 3)]
    alone = [train(layer, x) for x in inputs]

    def work(i):
        start.wait()
        return all(equal(train(layer, inputs[i]), alone[i]) for _ in range(30))

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(work, range(2))) == [True, True]


def count_turns_during(work):
    worker, turns = threading.Thread(target=work), 0
    worker.start()
    while worker.is_alive():
        turns += 1
        time.sleep(0.001)
    return turns


def test_other_threads_run_during_forward_and_backward():
    layer, x, outputs = GRU(8, 256), torch.randn(5000, 1, 8), []
    assert count_turns_during(lambda: outputs.append(layer(x)[0].sum())) > 5
    assert count_turns_during(outputs[0].backward) > 5


@VARIANTS
@pytest.mark.parametrize("batch", [2, 9])
def test_a_hundred_thousand_steps_equal_a_hundred_pieces(reset_after, batch):
    layer = GRU(1, 2, reset_after=reset_after, dtype=torch.float64)
    x = torch.randn(100_000, batch, 1, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(100_000, batch, 2, dtype=torch.float64)
    pieces, state = [], None
    for piece in x.split(1000):
        output, state = layer(piece, state)
        pieces.append(output)
    results = []
    for output, h_n in ((torch.cat(pieces), state), layer(x)):
        gradients = torch.autograd.grad((output * weight).sum() + h_n.sum(), [x, *layer.parameters()])
        results.append((output, h_n, *gradients))
    assert equal(results[1][:2], results[0][:2])
    torch.testing.assert_close(results[1], results[0], rtol=1e-10, atol=1e-10)


FORK = """
import multiprocessing
import numpy, torch
from grucast.nn import GRU, GRUCell

torch.set_num_threads(2)
layers = [GRU(8, 64, 2, bidirectional=True, reset_after=after) for after in (True, False)]
x, cell = torch.randn(20, 64, 8), GRUCell(8, 64)
above = [torch.randn(20, 64, 128), torch.randn(20, 64, 128), torch.randn(64, 64)]

def train():
    outputs = [*(layer(x)[0] for layer in layers), cell(x[0])]
    gradients = torch.autograd.grad(outputs, [p for m in (*layers, cell) for p in m.parameters()], above)
    return [t.detach().numpy() for t in (*outputs, *gradients)]

def child():
    assert all(map(numpy.array_equal, train(), expected))

expected = train()
torch.randn(1000, 1000).exp().sum()
process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join(60)  # it may hang
process.kill()
assert process.exitcode == 0
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are not forked")
def test_a_forked_process_trains_after_torch_used_its_threads():
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK]
    run = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert (run.returncode, run.stderr) == (0, "")
