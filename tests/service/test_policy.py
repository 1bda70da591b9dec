"""Browsers run what the page brought, and nothing else."""

from __future__ import annotations

import base64
import hashlib

from neurallayers.service.policy import STRICT, page_policy, security_headers

PAGE = """<html><style>p { color: red }</style><script>let a = 1</script>
<script type="module">
let b = 2
</script><script src="/x.js"></script></html>"""


def hash_of(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_inline_blocks_of_a_page_are_named_by_their_hash() -> None:
    policy = page_policy(PAGE)
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    blocks = [hash_of("let a = 1"), hash_of("\nlet b = 2\n")]
    assert rules["script-src"] == f"'self' 'sha256-{blocks[0]}' 'sha256-{blocks[1]}'"
    assert rules["style-src"] == f"'self' 'sha256-{hash_of('p { color: red }')}'"
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy


def test_every_answer_forbids_frames_and_guesses() -> None:
    headers = dict(security_headers(STRICT))
    assert b"frame-ancestors 'none'" in headers[b"content-security-policy"]
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"no-referrer"
