"""Formulas as MathML, which browsers show by themselves: no script, no fonts from elsewhere."""

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert

ALIGNED = ("{aligned}", "{align*}")  # the name of our pages' environment, and of the same one for the converter


def inline(visitor: Any, node: nodes.math) -> None:
    """A formula within a line."""
    visitor.body.append(convert(node.astext()))
    raise nodes.SkipNode


def block(visitor: Any, node: nodes.math_block) -> None:
    """A formula of its own, which scrolls where it is too wide."""
    visitor.body.append(f'<div class="formula">{convert(node.astext().replace(*ALIGNED), display="block")}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, Any]:
    """Write formulas of HTML pages so."""
    app.add_html_math_renderer("mathml", inline_renderers=(inline, None), block_renderers=(block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True}
