from html.parser import HTMLParser

import pytest

from grucast.data.markup import Strong, page, paragraph, table


class Reader(HTMLParser):
    """The tags and the text of some HTML; every tag must be closed in its place."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.said = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, _):
        self.open.append(tag)
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said.append(data)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a & b", "\"'", "\u202eturned", "\x1b[31m"])
def test_text_from_outside_is_no_markup_wherever_it_stands(text):
    for html in (page(text), paragraph(text), table([(text, Strong(text))], (text, text))):
        read = Reader(html)
        assert not {"script", "img"} & set(read.tags)
        assert "\u202e" not in html
        assert "\x1b" not in html
        if text.isprintable():
            assert text in read.said


def test_only_numbers_below_a_head_end_at_the_same_place():
    assert "right" not in table([("a", "1")])
    assert table([("a", "1")], ("model", "MAE")).count("text-align:right") == 2


def test_what_is_strong_is_bold():
    assert Reader(table([(Strong("a"), "b")])).tags == ["table", "tr", "td", "b", "td"]


def test_page_takes_its_colours_from_what_it_stands_in():
    html = page("a", paragraph("b"), table([("c", "d")], ("e", "f")))
    assert not any(word in html for word in ("color", "background", "src=", "href", "url("))
