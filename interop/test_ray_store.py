"""Training and forecasts from a store of objects that speaks as S3 does, here and by workers of Ray."""

import logging
import subprocess
import sys
from pathlib import Path

import boto3
import numpy as np
import polars as pl
import pytest
import ray
from moto.server import ThreadedMotoServer

from grucast import GRUForecaster, NetworkConfig, TrainingConfig
from grucast.distributed import RayEngine
from grucast.errors import DataError
from grucast.forecasting.parts import predict_parts
from grucast.forecasting.tables import shortened

SMALL = {"network": NetworkConfig(hidden_size=4, head_size=8), "training": TrainingConfig(max_steps=5)}


@pytest.fixture(scope="module")
def store():
    """A server, and how its clients are told of it."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ALLOW_HTTP", "true")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "none")
        patch.setenv("AWS_REGION", "us-east-1")
        yield boto3.client("s3", region_name="us-east-1")
    server.stop()


@pytest.fixture(scope="module")
def days(store, tmp_path_factory):
    """Daily series; also in the store, in folders named after them."""
    ds = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 2, 29), eager=True)
    rng = np.random.default_rng(0)
    whole = pl.concat(
        pl.DataFrame({"unique_id": f"10:{n:02}", "ds": ds, "y": rng.gamma(2, 5, len(ds))}) for n in range(20)
    )
    store.create_bucket(Bucket="sales")
    path = tmp_path_factory.mktemp("days") / "a.parquet"
    for (name,), own in whole.group_by("unique_id", maintain_order=True):
        own.drop("unique_id").write_parquet(path)
        store.upload_file(path, "sales", f"days/unique_id={name.replace(':', '%3A')}/a.parquet")
    store.put_object(Bucket="sales", Key="days/_SUCCESS", Body=b"")
    return whole


def test_a_store_gives_the_bits_of_a_frame_in_one_command(days, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wanted = shortened(GRUForecaster(3, 14, 7, **SMALL).fit(days).predict(days))
    found = GRUForecaster(3, 14, 7, **SMALL).fit("s3://sales/days", memory=10**8)
    assert predict_parts(found, "s3://sales/days/**/*.parquet", "out") == 60
    assert pl.read_parquet("out").sort("unique_id", "ds").equals(wanted)
    found.save("model.safetensors")
    grucast = Path(sys.executable).with_name("grucast")
    subprocess.run([grucast, "predict", "model.safetensors", "s3://sales/days", "--out", "again"], check=True)
    assert pl.read_parquet("again").equals(pl.read_parquet("out"))


def test_workers_read_a_store(days, tmp_path):
    wanted = GRUForecaster(3, 14, 7, **SMALL).fit(days)
    try:
        found = GRUForecaster(3, 14, 7, **SMALL).fit("s3://sales/days", engine=RayEngine(workers=2))
        assert predict_parts(found, "s3://sales/days", tmp_path / "out", engine=RayEngine()) == 60
    finally:
        ray.shutdown()
    assert found.history_ == wanted.history_
    assert pl.read_parquet(tmp_path / "out").sort("unique_id", "ds").equals(shortened(wanted.predict(days)))


@pytest.mark.usefixtures("days")
@pytest.mark.parametrize("source", ["s3://sales/nothing", "s3://sales/a.parquet", "s3://nowhere/days"])
def test_what_is_not_in_the_store_is_said(source):
    with pytest.raises(DataError, match=source):
        GRUForecaster(3, 14, 7, **SMALL).fit(source)
