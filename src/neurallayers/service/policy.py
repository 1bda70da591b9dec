"""What browsers may do with our answers."""

from __future__ import annotations

import base64
import hashlib
import re

from neurallayers.service.failures import Headers

# JSON and pictures load nothing, and nobody puts them into a frame.
STRICT = "default-src 'none'; frame-ancestors 'none'"

_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL | re.IGNORECASE)


def security_headers(policy: str) -> Headers:
    """The headers of every answer.

    Args:
        policy: The content security policy (W3C CSP Level 3).
    """
    return [
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"content-security-policy", policy.encode("ascii")),
    ]


def page_policy(html: str) -> str:
    """The policy of a page that brings its scripts and styles itself.

    Exactly those run: each inline block is named by its hash, everything else comes from here or
    not at all. Attributes such as ``style=`` and ``onclick=`` do not work on such a page.

    Args:
        html: The page.
    """
    scripts = " ".join(["'self'", *(_hash_of(block) for block in _SCRIPT.findall(html))])
    styles = " ".join(["'self'", *(_hash_of(block) for block in _STYLE.findall(html))])
    return (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; "
        "img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hash_of(block: str) -> str:
    digest = hashlib.sha256(block.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
