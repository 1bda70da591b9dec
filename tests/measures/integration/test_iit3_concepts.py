"""What is found says what it is."""

from __future__ import annotations

from tests.measures.integration.networks import CHAIN, OR_COPY_XOR

from neurallayers.measures.integration.iit3 import system_phi
from neurallayers.measures.integration.iit3_concepts import words
from neurallayers.measures.integration.substrate import Substrate


def test_a_result_reads_as_a_report() -> None:
    report = str(system_phi(Substrate(OR_COPY_XOR), (1, 0, 0)))
    lines = report.splitlines()
    assert lines[0] == "ABC in 100: phi 2.3125 (IIT 3.0)"
    assert lines[1].startswith("cut: ")
    assert lines[2] == "4 concepts:"
    assert "ABC: phi 0.5" in lines
    assert any(line.startswith("  cause: ") and " x " in line for line in lines)


def test_a_reducible_system_says_why() -> None:
    report = str(system_phi(Substrate(CHAIN, labels=["in", "middle", "out"]), (1, 1, 1)))
    assert "in,middle,out in 111: phi 0" in report
    assert "why 0: it is not strongly connected" in report


def test_long_names_are_separated() -> None:
    assert words((0, 1), ("left", "right")) == "left,right"
    assert words((), ("A",)) == "∅"
