from dataclasses import replace

import pytest

from grucast.comparison.contenders import CONTENDERS
from grucast.comparison.textbook import compare_textbook
from grucast.forecasting.textbook import TRAINING, run_textbook

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def result():
    return compare_textbook(1)


def test_grus_have_the_errors_of_the_textbook(result):
    for row in result.rows:
        if row.model == "GRU":
            assert row.errors["MSE"][0] == pytest.approx(0.003235, rel=5e-3)
            assert row.errors["MAE"][0] == pytest.approx(0.046167, rel=5e-3)


def test_without_torch_it_is_the_demo_itself(result):
    ours = next(row for row in result.rows if (row.model, row.kernels) == ("GRU", "grucast"))
    demo = run_textbook()
    assert (ours.errors["MSE"][0], ours.errors["MAE"][0]) == (demo.test_mse, demo.test_mae)


def test_lstm_learns_what_a_script_of_torchs_modules_learns():
    result = compare_textbook(1, replace(TRAINING, max_steps=20))
    torch.manual_seed(42)
    lstm, fc = torch.nn.LSTM(1, 32, batch_first=True), torch.nn.Linear(32, 1)
    from grucast.data.synthetic import noisy_sines

    x, y = map(torch.from_numpy, noisy_sines())
    optimizer = torch.optim.Adam([*lstm.parameters(), *fc.parameters()], lr=0.005)
    for _ in range(20):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(fc(lstm(x[:240])[0][:, -1]), y[:240]).backward()
        optimizer.step()
    wanted = torch.nn.functional.mse_loss(fc(lstm(x[240:])[0][:, -1]), y[240:]).item()
    own = next(row for row in result.rows if row.model == "LSTM")
    assert own.errors["MSE"] == pytest.approx([wanted], rel=1e-3)
    assert own.parameters == sum(p.numel() for module in (lstm, fc) for p in module.parameters())
    assert result.steps == 20
    assert [row.model for row in result.rows] == [each.model for each in CONTENDERS]
