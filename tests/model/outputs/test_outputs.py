import pytest

from grucast.model import outputs
from grucast.model.outputs.classes import Classes
from grucast.model.outputs.means import Means
from grucast.model.outputs.quantiles import Quantiles


@pytest.mark.parametrize("output", [Classes(3), Means(3), Quantiles((80.0,))])
def test_each_kind_of_output_has_the_members_of_the_protocol(output):
    members = [name for name in vars(outputs.Output) if not name.startswith("_")]
    assert output.size == 3
    assert all(hasattr(output, name) for name in members)
