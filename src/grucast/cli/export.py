"""A model as ONNX, as a command."""

from typing import Annotated

import typer

from grucast import load, onnx
from grucast.cli.common import Json, Model, command
from grucast.cli.output import ANY, print_json, require_outputs
from grucast.cli.screen import out


@command("grucast export model.safetensors --onnx model.onnx")
def export(
    model: Model,
    path: Annotated[str, typer.Option("--onnx", help="ONNX file to write.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Write the whole forecast as one ONNX graph, once ONNX Runtime is seen to forecast the same from it."""
    require_outputs({"MODEL": model}, {"--onnx": (path, ANY)})
    forecaster = load(model)
    exported = onnx.export(forecaster, path)
    if as_json:
        print_json({"onnx": path, **exported._asdict()})
        return
    columns = exported.description["columns"]
    for title, tensors in (("Inputs", exported.inputs), ("Outputs", exported.outputs)):
        out.tell(f"{title}:")
        for name, kind in tensors.items():
            covariates = ", ".join(column["name"] for column in columns if column["input"] == name)
            out.tell(f"  {name:17}  {kind:24}  {covariates}".rstrip(), whole=True)
    out.tell(f"Largest relative difference from the model's forecasts: {exported.difference:.1e}")
    out.tell(f"ONNX: {path}", whole=True)
