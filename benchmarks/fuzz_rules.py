"""What schemathesis needs to know of the service and cannot read from its description.

The module is loaded as its hooks (``SCHEMATHESIS_HOOKS=benchmarks.fuzz_rules``).

No check is weakened for a whole operation. A request that fits the schema and is refused all the
same is a failure, unless the refusal is one of :data:`RULES`: what JSON Schema cannot say. Each is
recognised by the problem that the service answers; what is dropped for it is counted.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import schemathesis
from hypothesis import strategies as st
from PIL import Image

#: Status, slug of the problem and what its detail says; and why no schema can say it.
RULES: tuple[tuple[int, str, str], ...] = (
    # The network of the brain decides which size it takes.
    (422, "shape-mismatch", ""),
    (422, "invalid-input", r"The images have shape"),
    # The key came before, with another request.
    (422, "idempotency-key-reused", ""),
    # JSON Schema takes 3.0 for an integer, and numbers of any size.
    (422, "invalid-input", r"^Expected `int( \| null)?`, got `float`|^Number out of range"),
    # The range of a stimulus is that of another field, `maximum`.
    (422, "invalid-input", r"Values (reach|go down)|values are not finite"),
    # All rows have the same length, and all or none of their items are lists.
    (422, "invalid-input", r"differ in length|hold something else than numbers"),
    # Text in base64, or the body itself, is a picture or it is not.
    (422, "invalid-input", r"not a PNG file|picture cannot be read|text that is not base64"),
    # Exactly one of two fields.
    (422, "invalid-input", r"^(target|label) is .* and (reward|entries) is "),
    # The brain's life decides what there is to forget, or to look at.
    (422, "invalid-input", r"does not know|no lesson or stimulus with|knows no class"),
    (404, "not-found", r"has not thought since"),
    # Unicode decides what can be printed.
    (422, "invalid-input", r"^(name|target|where|who) is "),
    # Circumstances belong to what is lived through, and are more than nothing.
    (422, "invalid-input", r"would be forgotten at once|^Nothing says which|^first is "),
    # The language of rules has a grammar of its own, and a meaning.
    (422, "logic-syntax", ""),
    (422, "invalid-input", r"^(The rules?|There is a rule|Nothing says when|These are) "),
    (404, "unknown-name", r"^There is no rule "),
)
#: Failures that may be refusals by a rule: of a request that fits the schema, of what was made.
DROPPED = frozenset({"RejectedPositiveData", "EnsureResourceAvailability"})

STIMULUS = [[0, 0, 5, 13, 9, 1, 0, 0]] * 8


def is_rule(status: int, problem: Mapping[str, Any]) -> bool:
    """Whether an answer is one that a request may get that fits the schema."""
    slug = str(problem.get("type", "")).removeprefix("urn:neurallayers:problem:")
    detail = str(problem.get("detail", ""))
    return any(
        (status, slug) == rule[:2] and re.search(rule[2], detail, re.DOTALL) for rule in RULES
    )


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext, failure: Exception, case: Any, response: Any
) -> bool:
    """Keep every failure, unless it is a refusal by one of the rules."""
    if type(failure).__name__ not in DROPPED:
        return True
    return not is_rule(response.status_code, response.json())


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: Any, kwargs: dict[str, Any]) -> None:
    """Give half of the valid requests a stimulus that the network can take.

    Random rows hardly ever have its size, and most lessons would never be learned.
    """
    body = case.body
    valid = case.meta is not None and case.meta.generation.mode.is_positive
    if not valid or not isinstance(body, dict) or not _chosen(body):
        return
    if "stimulus" in body:
        body["stimulus"], body["maximum"] = STIMULUS, 16
    if body.get("target") is not None:
        body.pop("reward", None)
    if body.get("label") is not None:
        body.pop("entries", None)


def _chosen(body: Any) -> bool:
    """A coin that falls the same way for the same body."""
    return zlib.crc32(repr(body).encode("utf-8", "replace")) % 2 == 0


def _png(size: int, mode: str, value: int) -> bytes:
    file = BytesIO()
    Image.new("L", (size, size), value).convert(mode).save(file, "png")
    return file.getvalue()


#: Real pictures of several kinds, and what is none.
schemathesis.openapi.media_type(
    "image/png",
    st.builds(
        _png, st.sampled_from([1, 8, 28]), st.sampled_from(["L", "RGB", "RGBA"]), st.just(200)
    )
    | st.binary(max_size=64),
)
