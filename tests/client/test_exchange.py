"""What a request says about itself."""

from __future__ import annotations

from neurallayers.client.exchange import Request


def test_a_request_carries_what_belongs_to_it() -> None:
    bare = Request("GET", "/v1/models")
    assert bare.headers() == {"Accept": "application/json"}
    assert str(bare) == "GET /v1/models"
    lesson = Request("POST", "/learn", body=b"{}", idempotency_key="k")
    assert lesson.headers() == {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Idempotency-Key": "k",
    }


def test_a_request_without_a_body_names_no_content_type() -> None:
    assert "Content-Type" not in Request("POST", "/restore", idempotency_key="k").headers()
