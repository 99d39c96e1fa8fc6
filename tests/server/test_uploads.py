import pytest

from grucast.server.problems import NotThere
from grucast.server.uploads import Uploads


def test_files_are_kept_under_names_that_nobody_guesses(tmp_path):
    uploads = Uploads(tmp_path, most=2)
    one = uploads.add("../a.csv", b"1")
    assert (one.folder / one.name).read_bytes() == b"1"
    assert one.folder.parent == tmp_path
    assert len(one.id) == 32
    assert uploads[one.id] is one


def test_the_file_used_longest_ago_goes(tmp_path):
    uploads = Uploads(tmp_path, most=2)
    one, two = uploads.add("a", b"1"), uploads.add("b", b"2")
    assert uploads[one.id]
    uploads.add("c", b"3")
    assert uploads[one.id]
    assert not two.folder.exists()
    with pytest.raises(NotThere, match="send it again"):
        uploads[two.id]
