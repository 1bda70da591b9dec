"""Regions are computed after what they receive from; loops are found and stepped together."""

from __future__ import annotations

import networkx
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.brain.individuals import looped_spec, small_spec

from neurallayers.brain import BrainSpec, ReadoutSpec, RegionSpec, SenseSpec, TractSpec, preset
from neurallayers.brain.scheduler import Part, schedule


def spec_of(count: int, edges: set[tuple[int, int]]) -> BrainSpec:
    """Regions r0, r1, ... joined by these edges."""
    return BrainSpec(
        name="graph",
        sense=SenseSpec(shape=(1, 1)),
        regions=tuple(RegionSpec(name=f"r{i}", shape=(1,)) for i in range(count)),
        tracts=(
            TractSpec(source="sense", target="r0"),
            *(TractSpec(source=f"r{a}", target=f"r{b}", delay_ms=1.0) for a, b in sorted(edges)),
        ),
        readout=ReadoutSpec(sources=("r0",), labels=("a",)),
    )


def test_a_chain_is_computed_in_its_order_whatever_the_order_of_the_spec() -> None:
    spec = preset("hasn-nano")
    order = [("sensory",), ("associative",), ("cerebrum",)]
    assert [part.regions for part in schedule(spec)] == order
    backwards = BrainSpec(**{**spec.to_dict(), "regions": spec.to_dict()["regions"][::-1]})
    assert [part.regions for part in schedule(backwards)] == order
    assert not any(part.stepped for part in schedule(spec))


def test_a_loop_and_a_self_tract_are_stepped_and_nothing_else_is() -> None:
    assert schedule(looped_spec()) == (
        Part(("sensory",), stepped=False),
        Part(("associative", "cerebrum"), stepped=True),
        Part(("motor",), stepped=True),
        Part(("alone",), stepped=False),
    )
    assert schedule(small_spec()) == (
        Part(("sensory",), stepped=False),
        Part(("cerebrum",), stepped=False),
    )


@given(
    st.integers(1, 6).flatmap(
        lambda n: st.tuples(
            st.just(n), st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)))
        )
    )
)
@settings(max_examples=50, deadline=None)
def test_every_graph_is_put_in_order(graph: tuple[int, set[tuple[int, int]]]) -> None:
    count, edges = graph
    parts = schedule(spec_of(count, edges))
    place = {name: i for i, part in enumerate(parts) for name in part.regions}
    assert sorted(place) == [f"r{i}" for i in range(count)]
    reach = networkx.DiGraph(edges)
    for a, b in edges:
        joined = networkx.has_path(reach, b, a)
        assert place[f"r{a}"] <= place[f"r{b}"]
        assert (place[f"r{a}"] == place[f"r{b}"]) == joined
        if joined:
            assert parts[place[f"r{a}"]].stepped
    for part in parts:
        if part.stepped:
            number = int(part.regions[0][1:])
            assert len(part.regions) > 1 or (number, number) in edges
