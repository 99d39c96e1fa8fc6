import pytest

from grucast.forecasting.textbook import run_textbook

# Measured with torch.nn.GRU 2.13 on the textbook's own script.
LOSSES = {20: 0.014335, 40: 0.005944, 60: 0.005143, 80: 0.004270, 100: 0.003507}


@pytest.fixture(scope="module")
def textbook():
    return run_textbook()


def test_losses_are_the_textbooks(textbook):
    assert len(textbook.losses) == 100
    for epoch, loss in LOSSES.items():
        assert textbook.losses[epoch - 1] == pytest.approx(loss, rel=2e-3)


def test_test_errors_are_the_textbooks(textbook):
    assert textbook.test_mse == pytest.approx(0.003235, rel=2e-3)
    assert textbook.test_mae == pytest.approx(0.046167, rel=2e-3)


def test_target_is_the_last_value_of_the_input(textbook):
    assert textbook.naive_mse == textbook.naive_mae == 0


def test_one_step_ahead_is_harder_and_beats_the_last_value(textbook):
    honest = run_textbook(one_step_ahead=True)
    assert textbook.test_mse < honest.test_mse < honest.naive_mse
