"""Where pages say "write to support", the word leads somewhere if there is an address."""

from blueprints._views import support_link


def test_the_word_alone_where_there_is_no_address() -> None:
    assert support_link("") == "support"


def test_a_link_that_cannot_break_out_of_its_attribute() -> None:
    assert support_link("help@skylark.example") == '<a href="mailto:help@skylark.example">support</a>'
    assert "<b>" not in support_link('"><b>@skylark.example')
