"""What commands show: text from outside stays text."""

from typing import Any

from rich.console import Console
from rich.text import Text

from grucast.errors import plain


class Screen(Console):
    """A terminal for text as it is: without markup, codes of emoji, and what would steer the terminal."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Text in one line, in cells and headings of tables too."""
        return super().render_str(plain(text), **options)

    def tell(self, text: Any, label: str = "", colour: str = "", style: str = "", whole: bool = False) -> None:
        """Print a line; not broken where a program may read it, or where somebody copies it."""
        said = Text.assemble((label, colour), " " * bool(label), (plain(text), style))
        self.print(said, soft_wrap=whole or not self.is_terminal)


out, err = Screen(), Screen(stderr=True)


def plain_lines(text: str) -> str:
    """Lines as a terminal may show them."""
    return "\n".join(map(plain, text.split("\n")))
