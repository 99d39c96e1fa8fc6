"""Model files made by hand, byte by byte, that no reader may take."""

import copy
import gzip
import io
import json
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def pack(header, data=b""):
    """A safetensors file of a header, an object or its text, and the tensors' bytes."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def unpack(content):
    """The header, the metadata's text as JSON, and the tensors' bytes."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    return header, json.loads(header["__metadata__"]["grucast"]), content[8 + length :]


def with_metadata(header, text):
    """The header with other metadata."""
    text = text if isinstance(text, str) else json.dumps(text)
    return {**header, "__metadata__": {"grucast": text}}


HEADER, META, DATA = unpack((GOLDEN / "format1-covariates.safetensors").read_bytes())
FIRST = "members.0.gru.bias_hh_l0"


OTHERS = {
    kind: unpack((GOLDEN / f"format2-{kind}.safetensors").read_bytes())
    for kind in ("classifier", "patches", "steps-regressor")
}


def other(golden, changes=(), **members):
    """A golden file of another kind with some settings changed; None takes one away."""
    header, text, data = OTHERS[golden]
    changed = {k: v for k, v in {**text["settings"], **dict(changes)}.items() if v is not None}
    return pack(with_metadata(header, {**text, "settings": changed, **members}), data)


def network(golden, **changes):
    """A golden file of another kind with its network's settings changed."""
    return other(golden, {"network": OTHERS[golden][1]["settings"]["network"] | changes})


def classes(*labels):
    return other("classifier", {"classes": labels})


def settings(*place, **changes):
    """The golden file with some settings changed, of the object at that place."""
    meta = copy.deepcopy(META)
    target = meta["settings"]
    for key in place:
        target = target[key]
    target.update(changes)
    return pack(with_metadata(HEADER, meta), DATA)


def without(*place):
    """The golden file without a setting."""
    meta = copy.deepcopy(META)
    target = meta["settings"]
    for key in place[:-1]:
        target = target[key]
    del target[place[-1]]
    return pack(with_metadata(HEADER, meta), DATA)


def meta(**changes):
    return pack(with_metadata(HEADER, {**META, **changes}), DATA)


def tensor(name=FIRST, **changes):
    """The golden file with the description of a tensor changed."""
    return pack({**HEADER, name: {**HEADER.get(name, HEADER[FIRST]), **changes}}, DATA)


def raw_meta(text):
    return pack(with_metadata(HEADER, text), DATA)


def archive(write):
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def zipped(buffer):
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("model/data.pkl", pickle.dumps({}))


def tarred(buffer):
    with tarfile.open(fileobj=buffer, mode="w") as file:
        file.addfile(tarfile.TarInfo("../../evil"))


FIRST_OFFSETS = HEADER[FIRST]["data_offsets"]
TEXT = json.dumps(HEADER).encode()
COLUMN = {"role": "static", "centre": 0.0, "scale": 1.0, "categories": ["a"]}
MANY = [{**COLUMN, "name": f"{k:x}"} for k in range(1000)]
KINDS = {
    "zip, as torch.save writes": (archive(zipped), "zip archive"),
    "pickle": (pickle.dumps({"weights": [1.0] * 9}), "pickle"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
    "gzip": (gzip.compress(bytes(99)), "gzip"),
    "ONNX": (b"\x08\x08\x12\x07pytorch\x1a\x052.1.0" + bytes(20), "ONNX"),
    "tar": (archive(tarred), "not a safetensors"),
    "NumPy": (b"\x93NUMPY\x01\x00" + bytes(99), "NumPy"),
    "GGUF": (b"GGUF\x03\x00\x00\x00" + bytes(99), "GGUF"),
    "CSV": (b"unique_id,ds,y\na,1,2\n", "text"),
    "empty": (b"", "empty"),
    "one byte": (b"\x01", "not a safetensors"),
    "zeros": (bytes(4096), "not a safetensors"),
}
HEADERS = {
    "header longer than the file": (struct.pack("<Q", 10**6) + TEXT, "damaged"),
    "header length of 2**63": (struct.pack("<Q", 2**63) + TEXT + DATA, "damaged"),
    "header length of 2**64 - 1": (b"\xff" * 8 + TEXT + DATA, "damaged"),
    "header of no bytes": (bytes(8), "not a safetensors"),
    "header of no bytes before one": (bytes(8) + TEXT + DATA, "damaged"),
    "header too short": (struct.pack("<Q", 9) + TEXT + DATA, "damaged"),
    "header of 2 MB": (pack(TEXT + b" " * 2**21, DATA), "header of 210"),
    "header not UTF-8": (pack(b'{"\xff\xfe": 1}', DATA), "utf-8"),
    "header in UTF-16": (pack("{}".encode("utf-16-le"), DATA), "damaged"),
    "header with a list": (pack(b"[]" + TEXT, DATA), "not a safetensors"),
    "header followed by more": (pack(TEXT + b"{}", DATA), "Extra data"),
    "tensor twice": (pack(TEXT[:-1] + f', "{FIRST}": 0}}'.encode(), DATA), "twice"),
    "metadata twice": (pack(TEXT[:-1] + b', "__metadata__": {}}', DATA), "twice"),
    "deep header": (pack(b'{"a":' * 60_000, DATA), "deeply"),
    "deep list in the header": (pack(b'{"a":' + b"[" * 65_000, DATA), "deeply"),
    "a million lists in the header": (pack(b'{"a":' + b"[" * 1_000_000, DATA), "more than 65536"),
    "wide header": (pack(b'{"a":[' + b"[]," * 65_000 + b"0]}", DATA), "not a grucast"),
    "wider header": (pack(b'{"a":[' + b"[]," * 340_000 + b"0]}", DATA), "more than 65536"),
    "many names": (pack({f"{k:x}": 0 for k in range(80_000)}, DATA), "not a grucast"),
    "number of a million digits": (pack(b'{"a":' + b"9" * 10**6 + b"}", DATA), "damaged"),
    "infinite number": (pack(b'{"a": Infinity}', DATA), "not JSON"),
}
METADATA = {
    "no metadata": (pack({FIRST: HEADER[FIRST]}, DATA), "not a grucast"),
    "metadata a list": (pack({**HEADER, "__metadata__": []}, DATA), "no JSON object"),
    "metadata text": (pack({**HEADER, "__metadata__": "grucast"}, DATA), "no JSON object"),
    "metadata null": (pack({**HEADER, "__metadata__": None}, DATA), "no JSON object"),
    "metadata not text": (pack({**HEADER, "__metadata__": {"grucast": META}}, DATA), "not a grucast"),
    "further metadata": (pack({**HEADER, "__metadata__": {"grucast": "{}", "x": "y"}}, DATA), "not a grucast"),
    "deep metadata": (raw_meta("[" * 60_000), "deeply"),
    "deep settings": (raw_meta(json.dumps(META)[:-2] + ', "x": ' + "[" * 900 + "]" * 900 + "}}"), "deeply"),
    "wide metadata": (raw_meta("[" + "[]," * 65_000 + "0]"), "format and kind"),
    "metadata of many objects": (raw_meta("[" + "{}," * 65_000 + "0]"), "format and kind"),
    "metadata of many texts": (raw_meta(json.dumps([f"{k:x}" for k in range(90_000)])), "format and kind"),
    "setting twice": (raw_meta(json.dumps(META)[:-2] + ', "h": 4}}'), "twice"),
    "NaN setting": (settings(widths=[float("nan"), 1.0]), "NaN is not JSON"),
    "infinite setting": (raw_meta(json.dumps(META).replace('"h": 4', '"h": 1e999')), "h must be"),
    "half a character": (settings("schema", "columns", 0, name="\ud800"), "surrogates"),
    "no object": (raw_meta("3"), "format and kind"),
    "newer format": (meta(format=3, library="7.1", extra=1), "format 3 needs grucast 7.1.*>=7.1"),
    "newer format with a command for a version": (meta(format=3, library="1; rm -rf ~"), "library must be"),
    "format a truth value": (meta(format=True), "format must be"),
    "format 0": (meta(format=0), "format must be"),
    "format of 4000 digits": (meta(format=10**4000), "format must be"),
    "further member": (meta(cls="os.system"), "no others"),
    "other kind": (meta(kind="os.system"), "no model of a kind"),
    "kind a list": (meta(kind=["forecaster"]), "no model of a kind"),
    "settings of another kind": (meta(kind="regressor"), "settings has no member"),
    "settings a list": (meta(settings=[]), "settings must be an object"),
}
SETTINGS = {
    "class named": (settings(cls="os.system"), "'cls'"),
    "class of the network": (settings("network", __class__="torch.nn.Module"), "__class__"),
    "address of the network": (settings(network="https://example.org/network.json"), "network must be an object"),
    "setting missing": (without("nonnegative"), "no member 'nonnegative'"),
    "setting of the network missing": (without("network", "num_layers"), "network has no member"),
    "h of 10**18": (settings(h=10**18), "h must be"),
    "h of true": (settings(h=True), "h must be"),
    "h of 4.0": (settings(h=4.0), "h must be"),
    "h as text": (settings(h="4"), "h must be"),
    "no season": (settings(seasons=[]), "seasons must be"),
    "seasons descending": (settings(seasons=[24, 12]), "seasons must ascend"),
    "season longer than the window": (settings(seasons=[49]), "seasons must ascend"),
    "level of 100": (settings(level=[80.0, 100.0]), "level must be"),
    "level descending": (settings(level=[95.0, 80.0]), "level must ascend"),
    "widths of a hostile length": (settings(widths=[1.0] * 999), "widths must be one for each of 2"),
    "a million widths": (settings(widths=[1] * 300_000), "widths must be a list"),
    "negative width": (settings(widths=[1.0, -1.0]), "widths must be"),
    "widths null": (settings(widths=None), "widths must be"),
    "hidden size of 10**9": (settings("network", hidden_size=10**9), "hidden_size must be"),
    "largest network": (
        settings("network", hidden_size=4096, num_layers=16, bidirectional=True),
        "more than 268,435,456 weights",
    ),
    "a window of a million steps": (settings(input_size=10**6), "input_size 1000000 needs 1,0.*,000 numbers"),
    "head of 2**40": (settings("network", head_size=2**40), "head_size must be"),
    "nonnegative 1": (settings(nonnegative=1), "nonnegative must be"),
    "65 members": (settings(members=65), "members must be"),
    "64 members of 1,000 columns": (
        settings(members=64, schema={**META["settings"]["schema"], "columns": MANY}),
        "embed.0",
    ),
    "role unknown": (settings("schema", "columns", 0, role="index"), "role must be"),
    "roles out of order": (settings("schema", "columns", 0, role="static"), "past, then future"),
    "name of the target": (settings("schema", "columns", 0, name="y"), "'y' is named twice, or"),
    "column twice": (settings("schema", "columns", 0, name="price"), "'price' is named twice"),
    "scale of 0": (settings("schema", "columns", 0, scale=0.0), "scale must be"),
    "categories a text": (settings("schema", "columns", 1, categories="abc"), "categories must be"),
    "category twice": (settings("schema", "columns", 1, categories=["a", "a"]), "without repetition"),
    "category a number": (settings("schema", "columns", 1, categories=["a", 2]), "categories must be"),
    "further category": (settings("schema", "columns", 1, categories=["a", "b", "c", "d"]), "embed.0"),
    "cycle unknown": (settings("schema", cycles=["hour"]), "cycles must be"),
    "cycles of integers": (settings("frequency", kind="integer"), "need time stamps"),
    "unknown null": (settings("schema", unknown=None), "unknown must be"),
    "frequency unknown": (settings("frequency", kind="os.system"), "kind must be"),
    "step of 0": (settings("frequency", step=0), "step must be"),
    "step of a billion months": (settings("frequency", kind="month", step=10**9), "step must be at most"),
    "day 32": (settings("frequency", day=32), "day must be"),
    "zone outside the folder of zones": (settings("frequency", zone="../../etc/passwd"), "zone must be"),
    "zone with an absolute path": (settings("frequency", zone="/etc/passwd"), "zone must be"),
    "zone with NUL": (settings("frequency", zone="UTC\0"), "zone must be"),
    "training of true": (settings("training", learning_rate=True), "learning_rate must be"),
    "training with a hook": (settings("training", callback="os.system"), "'callback'"),
    "fingerprint no hash": (settings("trained_on", fingerprint="x" * 64), "fingerprint must be"),
    "cutoff of 65 bits": (settings("trained_on", last_cutoff=2**64), "last_cutoff must be"),
}
TENSORS = {
    "overlapping offsets": (tensor("members.0.gru.bias_ih_l0", data_offsets=FIRST_OFFSETS), "damaged"),
    "a hole between tensors": (
        tensor(data_offsets=[FIRST_OFFSETS[0] + 4, FIRST_OFFSETS[1] + 4]),
        "damaged",
    ),
    "offsets beyond the end": (tensor(data_offsets=[10**9, 10**9 + 48]), "damaged"),
    "offsets reversed": (tensor(data_offsets=FIRST_OFFSETS[::-1]), "damaged"),
    "negative offsets": (tensor(data_offsets=[-48, 0]), "damaged"),
    "offsets of 2**64": (tensor(data_offsets=[2**64, 2**64 + 48]), "damaged"),
    "offsets as text": (tensor(data_offsets=["0", "48"]), "damaged"),
    "offsets of three": (tensor(data_offsets=[0, 48, 96]), "damaged"),
    "offsets null": (tensor(data_offsets=None), "damaged"),
    "shape that overflows": (tensor(shape=[2**62, 2**62]), "must be"),
    "negative shape": (tensor(shape=[-12]), "must be"),
    "shape of truth values": (tensor(shape=[True]), "must be"),
    "shape of floats": (tensor(shape=[12.0]), "must be"),
    "shape as text": (tensor(shape="12"), "must be"),
    "shape of another rank": (tensor(shape=[12, 1]), "must be"),
    "float64": (tensor(dtype="F64"), "must be"),
    "unknown dtype": (tensor(dtype="PICKLE"), "must be"),
    "further tensor": (tensor("evil", data_offsets=[0, 0]), "none of this model"),
    "tensor with a path": (tensor("../../evil"), "none of this model"),
    "tensor missing": (pack({k: v for k, v in HEADER.items() if k != FIRST}, DATA), "absent"),
    "tensor no object": (pack({**HEADER, FIRST: 0}, DATA), "must have dtype"),
    "external data": (tensor(external_data="https://example.org"), "must have dtype"),
    "bytes after the tensors": (pack(HEADER, DATA + b"PK\x03\x04"), "damaged"),
    "bytes missing": (pack(HEADER, DATA[:-1]), "damaged"),
    "infinite weight": (pack(HEADER, struct.pack("<f", float("inf")) + DATA[4:]), "holds NaN"),
    "huge weight": (pack(HEADER, struct.pack("<f", 3e38) + DATA[4:]), "beyond 1e"),
    "NaN weight": (pack(HEADER, struct.pack("<f", float("nan")) + DATA[4:]), "holds NaN"),
}
CLASSES = {
    "classes of mixed types": (classes("a", 1, 2), "classes must be of one type"),
    "a truth value among numbers": (classes(2, 3, True), "classes must be of one type"),
    "a truth value that equals a number": (classes(True, 1, 2), "without repetition"),
    "a number twice in two writings": (classes(0, 1, 1.0), "without repetition"),
    "fraction among whole numbers": (classes(1, 1.5, 2), "classes must be of one type"),
    "classes descending": (classes("c", "b", "a"), "ascend"),
    "class twice": (classes("a", "a", "b"), "without repetition"),
    "one class alone": (classes("a"), "classes must be a list of 2 to 10000"),
    "no class": (classes(), "classes must be a list of 2 to 10000"),
    "classes a text": (other("classifier", {"classes": "abc"}), "classes must be a list"),
    "classes null": (classes(None, "a", "b"), "classes must be a number"),
    "class a list": (classes(["a"], "b", "c"), "classes must be a number"),
    "class an object": (classes({"__class__": "os.system"}, "b", "c"), "classes must be a number"),
    "class of 65 bits": (classes(1, 2, 2**64), "classes must be a whole number"),
    "class infinite": (classes(1.0, 2.0, 1e999), "Infinity is not JSON"),
    "class half a character": (classes("a", "b", "\ud800"), "surrogates"),
    "four classes with the weights of three": (classes("a", "b", "c", "d"), "fc.weight must be"),
    "10,000 classes": (classes(*range(10**4)), "fc.weight must be"),
    "10,001 classes": (classes(*range(10**4 + 1)), "classes must be a list of 2 to 10000"),
    "a class of a megabyte": (classes("a", "b", "c" * 2**20), "header of 105"),
    "classes absent": (other("classifier", {"classes": None}), "no member 'classes'"),
    "outputs of a classifier": (other("classifier", {"outputs": 3}), "'outputs' too"),
    "scale of one feature for two": (other("classifier", {"scale": [1.0]}), "scale must be one for each of 2"),
    "scale of nothing": (other("classifier", {"scale": [0.0, 1.0]}), "scale must be"),
    "negative scale of a feature": (other("classifier", {"scale": [1.0, -1.0]}), "scale must be"),
    "centre infinite": (other("classifier", {"centre": [1e31, 0.0]}), "centre must be"),
    "no feature": (other("classifier", {"centre": [], "scale": []}), "centre must be a list of 1 to 10000"),
    "three features": (other("classifier", {"centre": [0] * 3, "scale": [1] * 3}), "weight_ih_l0 must be"),
    "classifier of format 1": (other("classifier", format=1), "format 1 has no such classifier"),
    "classifier as a regressor": (other("classifier", kind="regressor"), "settings has no member"),
    "steps of format 1": (other("steps-regressor", format=1), "format 1 has no such regressor"),
    "patches of a regressor": (network("steps-regressor", patch_size=2), "'patch_size' too"),
    "patches of format 1": (other("patches", format=1), "format 1 has no such forecaster"),
    "window of four patches and a half": (other("patches", {"input_size": 27}), "a multiple of patch_size 6"),
    "patches of 0": (network("patches", patch_size=0), "patch_size must be a whole number from 1"),
    "patches of other weights": (network("patches", patch_size=3), "weight_ih_l0 must be"),
    "weights of levels that are not there": (other("patches", {"smoothed": False}), "hidden.weight must be"),
    "levels of 1": (other("patches", {"smoothed": 1}), "smoothed must be true or false"),
    "steps of 1": (other("steps-regressor", {"per_step": 1}), "per_step must be true or false"),
}
ATTACKS = {**KINDS, **HEADERS, **METADATA, **SETTINGS, **CLASSES, **TENSORS}
