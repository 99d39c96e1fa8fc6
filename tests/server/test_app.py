"""The whole interface, by its own description: whatever comes, no answer is a failure of the server."""

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from grucast.server.app import create_app
from grucast.server.settings import ServerSettings


def test_no_request_that_the_description_allows_or_forbids_makes_the_server_fail(folder, tmp_path):
    store = f"sqlite:///{tmp_path / 'streams.db'}"
    app = create_app(ServerSettings({"small": folder / "small.safetensors"}, store=store))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers={"host": "localhost"})
    for operation in schema.get_all_operations():
        case = operation.ok().as_strategy()

        @settings(max_examples=25, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=case)
        def call(case):
            answer = case.call(headers={"host": "localhost"})
            assert answer.status_code < 500
            assert not any(word in answer.text for word in (str(folder), "Traceback", "site-packages", "/grucast/"))
            if "json" in answer.headers.get("content-type", [""])[0]:
                json.loads(answer.content, parse_constant=pytest.fail)

        call()
    app.app.state.streams.close()


def test_description_has_examples_and_every_route(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert paths.keys() >= {"/v1/forecast", "/v1/models", "/v2", "/v2/health/ready", "/v2/models/{model}/infer"}
    body = paths["/v2/models/{model}/infer"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["example"]["inputs"][0]["name"] == "y"
    observe = paths["/v1/streams/{series}/observations"]["post"]
    assert observe["requestBody"]["content"]["application/json"]["schema"]["anyOf"][0]["example"]["y"] == 3.0
    assert observe["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("ToldUpdate")


def test_counters_tell_what_was_asked(client):
    client.get("/v2")
    text = client.get("/metrics").text
    assert 'grucast_requests_total{route="/v2",status="200"}' in text
    assert 'grucast_waiting_requests{model="small"} 0.0' in text
