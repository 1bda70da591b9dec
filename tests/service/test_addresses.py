"""An address is known by its template before the framework sees it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.serving import TEMPLATES

from neurallayers.service.addresses import UNKNOWN, AddressBook

BOOK = AddressBook([*TEMPLATES, "/v1/brains/{brain_id}/snapshots/{snapshot_id}/restore"])


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/", "/"),
        ("/v1/brains", "/v1/brains"),
        ("/v1/brains/7", "/v1/brains/{brain_id}"),
        ("/v1/brains/7/process", "/v1/brains/{brain_id}/process"),
        (
            "/v1/brains/7/snapshots/8/restore",
            "/v1/brains/{brain_id}/snapshots/{snapshot_id}/restore",
        ),
        ("/v1/brains/", UNKNOWN),
        ("/v1/brains/7/", UNKNOWN),
        ("/v1/brains//process", UNKNOWN),
        ("/v1/brains/7/snapshots", UNKNOWN),
        ("/v1", UNKNOWN),
        ("", UNKNOWN),
        ("//", UNKNOWN),
        ("/v1/brains/7/{}", UNKNOWN),
    ],
)
def test_a_path_belongs_to_its_template(path: str, template: str) -> None:
    assert BOOK.find(path).template == template


@given(st.text(max_size=60))
def test_no_client_can_make_up_a_template(path: str) -> None:
    known = {address.template for address in BOOK.addresses} | {UNKNOWN}
    assert BOOK.find(path).template in known


def test_work_for_the_compute_thread_and_streams_are_known() -> None:
    by_template = {address.template: address for address in BOOK.addresses}
    assert {name for name, one in by_template.items() if one.heavy} == {
        "/v1/brains/{brain_id}/process",
        "/v1/brains/{brain_id}/learn",
    }
    assert {name for name, one in by_template.items() if one.stream} == {
        "/v1/brains/{brain_id}/events"
    }
