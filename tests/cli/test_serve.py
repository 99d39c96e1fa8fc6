def test_other_machines_need_a_token(run):
    code, _, said = run("serve", "--host", "0.0.0.0")
    assert (code, said) == (2, "error: 0.0.0.0 lets other machines in: give a token that they must know (--token)\n")


def test_missing_model_is_one_sentence(run):
    assert run("serve", "nothing.safetensors") == (2, "", "error: there is no model file nothing.safetensors\n")


def test_damaged_model_is_refused_before_the_server_starts(run, tmp_path):
    (tmp_path / "m.safetensors").write_bytes(b"nothing of the kind")
    code, _, said = run("serve", "m.safetensors", "--port", "0")
    assert code == 2
    assert said.startswith("error: m.safetensors")


def test_store_that_does_not_answer_is_one_sentence(run, tmp_path):
    code, _, said = run("serve", "--store", f"sqlite:///{tmp_path}/no/such/folder.db")
    assert code == 1
    assert said.startswith("error: the store sqlite:///")
