import pytest


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    """torch's threads wait for each other, and starve where the cores are shared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
