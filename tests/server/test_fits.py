import pytest

from tests.server.conftest import as_csv, events_of


@pytest.fixture
def client(trainer):
    """A client of the server that trains."""
    return trainer.client


def test_a_file_is_brought_looked_at_and_read_again(client):
    body = "day;sold\n01.02.2024;1,5\n02.02.2024;2,5\n13.02.2024;3,5\n"
    found = client.post("/v1/data", params={"name": "../sales.csv"}, content=body).json()
    assert (found["name"], found["roles"]["time"], found["usable"]) == ("sales.csv", ["day"], True)
    again = client.post(f"/v1/data/{found['id']}", json={"options": {"fill": 0}}).json()
    assert again["facts"]["rows"] == 13
    assert again["options"] == {"fill": 0}


def test_a_training_tells_its_progress_and_ends(trained):
    events = [event["event"] for event in trained["told"]]
    assert events[0] == "waiting"
    assert events[-1] == "done"
    assert {"step", "steps", "loss", "remaining", "part"} <= trained["told"][1].keys()
    assert (trained["state"], trained["h"], trained["season"]) == ("done", 6, [24])
    assert " over " in trained["verdict"]


def test_events_go_on_where_they_were_cut_off(client, trained):
    assert events_of(client, trained["id"], after=1) == trained["told"][2:]


def test_what_was_trained_is_served(client, trained):
    names = [model["name"] for model in client.get("/v1/models").json()["models"]]
    assert trained["model"] in names
    body = as_csv(1)
    headers, words = {"content-type": "text/csv", "accept": "application/json"}, {"model": trained["model"]}
    found = client.post("/v1/forecast", params=words, content=body, headers=headers).json()
    wanted = client.get(f"/v1/fit/{trained['id']}/series", params={"name": "s1"}).json()["forecast"]["GRU"]
    assert found["forecast"]["GRU"] == pytest.approx(wanted, rel=1e-6)


def test_a_training_is_stopped(client):
    job = client.post("/v1/fit", params={"h": 6}, content=as_csv(1, 2)).json()
    assert client.delete(f"/v1/fit/{job['id']}").json()["state"] == "stopped"
    assert client.get(f"/v1/fit/{job['id']}/forecast.csv").status_code == 409
    assert events_of(client, job["id"])[-1]["event"] == "stopped"


def test_a_file_that_cannot_be_used_fails_with_its_reason(client):
    job = client.post("/v1/fit", content="a,b\nx,y\n").json()
    assert "no column holds time stamps" in events_of(client, job["id"])[-1]["error"]


def test_options_of_reading_are_parameters_of_a_training(client):
    words = {"h": 2, "max_time": 0.2, "time_format": "day first", "fill": "0"}
    days = "\n".join(f"0{day}/02/2024,{day}" for day in range(1, 10))
    job = client.post("/v1/fit", params=words, content=f"day,sold\n{days}\n").json()
    assert events_of(client, job["id"])[-1]["event"] == "done"
    assert 'time_format="day first", fill=0' in client.get(f"/v1/fit/{job['id']}/code").text


@pytest.mark.parametrize(
    ("path", "words", "status"),
    [
        ("/v1/fit", {"h": 0}, 422),
        ("/v1/fit", {"level": "200"}, 422),
        ("/v1/fit", {"data": "nothing"}, 404),
        ("/v1/fit", {"max_time": "nan"}, 422),
        ("/v1/data", {}, 400),
        ("/v1/data/nothing", {}, 404),
    ],
)
def test_requests_without_meaning_are_refused(client, path, words, status):
    answer = client.post(path, params=words)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])


def test_a_database_is_not_queried_for_clients(client):
    found = client.post("/v1/data", content=as_csv(1)).json()
    answer = client.post(f"/v1/data/{found['id']}", json={"options": {"query": "SELECT 1"}})
    assert answer.status_code == 422
    assert "no option query" in answer.json()["error"]
