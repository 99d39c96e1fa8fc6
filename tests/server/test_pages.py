import re

import httpx
import pytest

from grucast.server.pages import OTHERS, OWN, contents
from tests.server.conftest import Running


def test_the_page_and_all_that_it_loads_come_from_here(client):
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for path in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert path.startswith("/page/")
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("name", sorted(OWN | OTHERS.keys()))
def test_parts_load_no_other_and_name_no_other_server(client, name):
    answer = client.get(f"/page/{name}")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    text = answer.text
    for other in re.findall(r'from "\./([^"]+)"', text) if name.endswith(".js") and name in OWN else []:
        assert other in OWN
    if name in OWN - {"icon.svg"}:
        assert "//" not in re.sub(r"// .*", "", text)


def test_parts_are_packed_for_those_who_unpack(client):
    packed = client.get("/page/plotly.min.js")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == contents("plotly.min.js")[0]
    plain = client.get("/page/page.css", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == contents("page.css")[0]


@pytest.mark.parametrize("name", ["nothing.js", "..%2f..%2fpages.py", "%2e%2e/pages.py", "pages.py"])
def test_nothing_else_is_sent(client, name):
    assert client.get(f"/page/{name}").status_code == 404


def test_both_languages_say_the_same_things():
    text = contents("texts.js")[0].decode()
    english, chinese = text[: text.index("  zh: {")], text[text.index("  zh: {") : text.index("const VERDICTS")]
    keys = [re.findall(r"(?:^|[ {,])(\w+): \"", part) for part in (english, chinese)]
    assert keys[0] == keys[1]
    texts = [dict(re.findall(r"(\w+): \"([^\"]*)\"", part)) for part in (english, chinese)]
    for key, said in texts[0].items():
        assert sorted(re.findall(r"\{\w+\}", said)) == sorted(re.findall(r"\{\w+\}", texts[1][key])), key


def test_all_keys_of_the_page_have_texts():
    known = re.findall(r"(\w+): \"", contents("texts.js")[0].decode())
    used = re.findall(r'data-(?:t|label)="(\w+)"', contents("index.html")[0].decode())
    for name in OWN:
        used += re.findall(r'[^\w.]t\("(\w+)"', contents(name)[0].decode()) if name.endswith(".js") else []
    assert set(used) <= set(known)


def test_the_page_comes_without_a_token_and_the_rest_does_not(folder):
    running = Running(folder, token="s3cret")
    try:
        assert running.client.get("/").status_code == 200
        assert running.client.get("/page/main.js").status_code == 200
        for path in ("/v1/models", "/v1/fit/x", "/page", "/pages/x"):
            assert running.client.get(path).status_code == 401
        assert httpx.post(f"http://127.0.0.1:{running.port}/v1/data", content=b"1").status_code == 401
    finally:
        running.end()
