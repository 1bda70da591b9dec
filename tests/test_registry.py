"""One registry for each kind of thing: a name, a maker, a did-you-mean."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.errors import UnknownName
from neurallayers.registry import Registry, nearest_name

LAW = settings(max_examples=30, deadline=None, derandomize=True, database=None)


def dishes() -> Registry[str]:
    registry: Registry[str] = Registry("dish")
    registry.register("soup")(lambda salt=1: f"soup with {salt} salt")
    registry.register("salad")(lambda: "salad")
    return registry


def test_a_thing_is_made_by_name_with_options() -> None:
    assert dishes().make("soup") == "soup with 1 salt"
    assert dishes().make("soup", salt=3) == "soup with 3 salt"
    assert dishes().make("soup", 2) == "soup with 2 salt"


def test_registering_leaves_the_maker_as_it_was() -> None:
    registry: Registry[object] = Registry("thing")

    @registry.register("plain")
    class Plain:
        pass

    assert registry.get("plain") is Plain
    assert isinstance(registry.make("plain"), Plain)


def test_it_lists_its_names_in_order() -> None:
    registry = dishes()
    assert list(registry) == ["salad", "soup"]
    assert len(registry) == 2
    assert "soup" in registry
    assert "stew" not in registry
    assert 3 not in registry


def test_registries_do_not_share_names() -> None:
    assert "soup" not in Registry("drink")


def test_an_unknown_name_suggests_the_nearest_and_lists_all() -> None:
    with pytest.raises(UnknownName) as unknown:
        dishes().make("sop")
    assert str(unknown.value) == (
        "There is no dish called 'sop'. Did you mean 'soup'? Known: salad, soup."
    )
    # What failed inside is of no use to the reader.
    assert unknown.value.__suppress_context__


def test_a_name_like_no_other_lists_all() -> None:
    assert nearest_name("xyzzy", ["soup", "salad"]) == "Known: salad, soup."


def test_an_error_inside_a_maker_is_not_taken_for_an_unknown_name() -> None:
    registry: Registry[int] = Registry("number")
    registry.register("broken")(lambda: dict[str, int]()["missing"])
    with pytest.raises(KeyError, match="missing") as error:
        registry.make("broken")
    assert not isinstance(error.value, UnknownName)


def test_a_name_is_given_once() -> None:
    registry = dishes()
    with pytest.raises(ValueError, match="dish 'soup' is registered twice"):
        registry.register("soup")(lambda: "another soup")
    assert registry.make("soup") == "soup with 1 salt"


@given(name=st.text(alphabet="abcdefgh_", min_size=4, max_size=12), at=st.integers(0, 11))
@LAW
def test_one_missing_letter_is_forgiven(name: str, at: int) -> None:
    at %= len(name)
    misspelt = name[:at] + name[at + 1 :]
    assert nearest_name(misspelt, [name]).startswith(f"Did you mean {name!r}?")
