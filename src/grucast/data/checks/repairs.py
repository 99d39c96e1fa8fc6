"""Repairs that a message proposes, as options of `read`."""

import re
from ast import literal_eval
from dataclasses import fields
from typing import Any

from grucast.data.reading.options import ReadOptions

NAMES = {field.name for field in fields(ReadOptions)}
VALUES = re.compile(r"(?<!such as )\b(\w+)=('[^']*'|-?\d[\d.]*|True\b|False\b)")
CHOICES = re.compile(r"\(--([a-z-]+) (\w+(?:\|\w+)+)\)")
MOST = 6


def repairs(text: str) -> list[dict[str, Any]]:
    """The options that a message gives with their values, each a repair of its own.

    >>> repairs("a decimal point, or one between thousands? say so with decimal='.' or decimal=',' (--decimal)")
    [{'decimal': '.'}, {'decimal': ','}]
    >>> repairs("join rows with aggregate= (--aggregate sum|mean|last)")
    [{'aggregate': 'sum'}, {'aggregate': 'mean'}, {'aggregate': 'last'}]
    """
    found = [(name, literal_eval(value)) for name, value in VALUES.findall(text)]
    for option, words in CHOICES.findall(text):
        found += [(option.replace("-", "_"), word) for word in words.split("|")]
    return [{name: value} for name, value in dict.fromkeys(found) if name in NAMES][:MOST]
