from __future__ import annotations

import pytest

from neurallayers.errors import LogicSyntaxError
from neurallayers.logic.tokens import END, Source, tokens_of


def kinds(text: str, *, generous: bool = False) -> list[str]:
    return [token.kind for token in tokens_of(Source(text), generous=generous)]


def test_signs_and_words_of_one_operator_are_one_kind() -> None:
    assert kinds("∀ ∃ ¬ ∧ ∨ → ↔ ⊕") == kinds("forall exists not and or -> <-> xor")
    assert kinds("=> <=> ~ ≤ ≠ ⊤") == kinds("-> <-> ! <= != true")


def test_a_statement_ends_with_its_line_unless_it_goes_on() -> None:
    assert kinds("a\nb") == ["name", "\n", "name", END]
    assert kinds("a |\n b") == kinds("a\n | b") == kinds("a | b")
    assert kinds("p(x,\n y)") == kinds("p(x, y)")
    assert kinds("# only this\n\na # and that") == ["name", END]
    assert kinds("a\n!b") == ["name", "\n", "!", "name", END]


def test_people_name_things_as_they_like() -> None:
    assert kinds("2008SummerOlympics o’brien c++ star-wars 1.5", generous=True)[:-1] == [
        "name", "name", "name", "name", "number",
    ]  # fmt: skip
    assert kinds("a->b", generous=True) == ["name", "->", "name", END]


def test_places_are_counted_from_one() -> None:
    source = Source("ab\ncd\n")
    assert [str(source.position(offset)) for offset in (0, 1, 3, 4)] == [
        "line 1, column 1",
        "line 1, column 2",
        "line 2, column 1",
        "line 2, column 2",
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("a $ b", 1, 3, "means nothing here"),
        ('p("x)', 1, 3, "never closed"),
        ("a &\n (b | c", 2, 2, "never closed"),
        ("a\n b)", 2, 3, "closes nothing"),
    ],
)
def test_what_has_no_place_is_shown(text: str, line: int, column: int, said: str) -> None:
    with pytest.raises(LogicSyntaxError, match=said) as caught:
        tokens_of(Source(text), generous=False)
    assert (caught.value.line, caught.value.column) == (line, column)
    shown, caret = str(caught.value).split("\n")[1:3]
    assert shown[caret.index("^")] == text.split("\n")[line - 1][column - 1]
