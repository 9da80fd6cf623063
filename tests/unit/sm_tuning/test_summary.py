"""What objects show of themselves: the same as text and as HTML."""

from html.parser import HTMLParser

from sm_tuning.summary import Items, Summary, Table

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e&\"'"


class Elements(HTMLParser):
    """The elements of a page and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the library's
        self.names.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_text_of_others_is_shown_and_never_obeyed() -> None:
    table = Table(caption=HOSTILE, columns=(HOSTILE, HOSTILE), rows=[(HOSTILE, 1.0)])
    summary = Summary(title=HOSTILE, facts={HOSTILE: HOSTILE}, sections=[Items(caption=HOSTILE, lines=[HOSTILE]), table])
    page = Elements(summary.html())
    assert page.names == {"div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "ol", "li"}
    assert page.text.count("<script>alert(1)</script>#033[31m#u202e&\"'") == 9
    for shown in (summary.html(), str(summary)):
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_text_fits_a_terminal_and_says_which_columns_it_leaves_out() -> None:
    rows = [("a" * 30, 0.123456, "b" * 30, 12, "c" * 30), ("d", None, "", -1, "e")]
    table = Table(caption="rows", columns=("name", "value", "more", "count", "last"), rows=rows)
    summary = Summary(title="title", facts={"fact": "word " * 40, "empty": ""}, sections=[table, Items(caption="none", lines=[])])
    lines = str(summary).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "title"
    assert lines[1].startswith("  fact  word")
    assert "rows (without last):" in lines
    assert f"  {'a' * 30}  0.1235  {'b' * 30}     12" in lines
    assert "empty" not in str(summary)
    assert "none" not in str(summary)
    assert "<th" in summary.html()
    assert "c" * 30 in summary.html()  # a page scrolls


def test_numbers_are_to_the_right_and_say_what_they_are() -> None:
    rows = [(float("nan"), 1234567, 1e-9), (2.0, 1, 0.5)]
    table = Table(caption="numbers", columns=("x", "n", "small"), rows=rows)
    summary = Summary(title="t", sections=[table])
    text = ["    x        n  small", "  nan  1234567  1e-09", "    2        1    0.5"]
    assert str(summary).splitlines()[2:] == text
    assert summary.html().count("text-align:right") == 6
