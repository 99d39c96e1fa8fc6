import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
from tests.onnx.pieces import EVERY_ROLE, draw_model, session_of

from grucast.onnx.graph import forecast_graph
from grucast.onnx.verify import feed, random_case


@pytest.fixture
def model(rng):
    return draw_model(rng, schema=EVERY_ROLE, members=2)


def test_checker_finds_every_shape_right(model):
    onnx.checker.check_model(forecast_graph(model), full_check=True)


def test_gru_is_the_standard_operator(model):
    graph = forecast_graph(replace(model, network=replace(model.network)))
    found = [node for node in graph.graph.node if node.op_type == "GRU"]
    assert len(found) == 2
    assert {node.domain for node in graph.graph.node} == {""}
    assert graph.opset_import[0].version == 17


def test_metadata_say_how_to_feed_it(model):
    about = json.loads(session_of(forecast_graph(model)).get_modelmeta().custom_metadata_map["grucast"])
    assert about["columns"][:3] == [
        {"name": "temp", "role": "past", "input": "numbers", "index": 0, "categories": None},
        {"name": "price", "role": "future", "input": "numbers", "index": 1, "categories": None},
        {"name": "members", "role": "future", "input": "numbers", "index": 2, "categories": None},
    ]
    assert about["columns"][4] == {
        "name": "offer",
        "role": "future",
        "input": "categories",
        "index": 1,
        "categories": ["no", "yes"],
    }
    assert (about["h"], about["input_size"], about["quantiles"]) == (6, 30, [0.025, 0.1, 0.5, 0.9, 0.975])
    assert about["frequency"]["step"] == 3600 * 10**6


def test_model_asks_for_nothing_that_it_does_not_read(rng):
    assert [given.name for given in forecast_graph(draw_model(rng)).graph.input] == ["y", "observed"]


def test_row_does_not_depend_on_its_batch(model, rng):
    session, feeds = session_of(forecast_graph(model)), feed(model, random_case(model, rng))
    together = session.run(["point"], feeds)[0]
    alone = session.run(["point"], {name: values[7:8] for name, values in feeds.items()})[0]
    np.testing.assert_allclose(alone, together[7:8], rtol=1e-5)


@pytest.mark.parametrize("name", ["categories", "static_categories"])
def test_code_below_zero_counts_as_missing(name, model, rng):
    session, feeds = session_of(forecast_graph(model)), feed(model, random_case(model, rng))
    feeds[name] = np.zeros_like(feeds[name])
    missing = session.run(["point"], feeds)[0]
    np.testing.assert_array_equal(session.run(["point"], feeds | {name: feeds[name] - 1})[0], missing)
    assert (session.run(["point"], feeds | {name: feeds[name] + 1})[0] != missing).any()


def test_past_covariates_of_the_horizon_are_not_read(model, rng):
    session, feeds = session_of(forecast_graph(model)), feed(model, random_case(model, rng))
    before = session.run(["quantiles"], feeds)[0]
    feeds["numbers"][:, 30:, 0] = 1e3
    feeds["categories"][:, 30:, 0] = 0
    np.testing.assert_array_equal(session.run(["quantiles"], feeds)[0], before)
