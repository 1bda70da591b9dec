"""The playground in a real browser: what a newcomer does in the first minute works."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Protocol

import pytest

Point = tuple[float, float]
Stroke = list[Point]

# Plainly written digits, x to the right and y down, in a box of about 0.65 by 1.
DIGITS: dict[str, list[Stroke]] = {
    "0": [[(0.33, 0), (0.08, 0.2), (0, 0.5), (0.08, 0.8), (0.33, 1), (0.58, 0.8), (0.66, 0.5),
           (0.58, 0.2), (0.33, 0)]],
    "1": [[(0.3, 0), (0.3, 1)]],
    "2": [[(0.04, 0.24), (0.12, 0.05), (0.32, 0), (0.54, 0.08), (0.6, 0.28), (0.5, 0.5),
           (0.3, 0.74), (0.05, 0.98)], [(0.05, 0.98), (0.65, 0.98)]],
    "3": [[(0.05, 0.1), (0.28, 0), (0.53, 0.1), (0.54, 0.33), (0.28, 0.48), (0.56, 0.6),
           (0.62, 0.8), (0.45, 0.97), (0.2, 1), (0.02, 0.88)]],
    "4": [[(0.45, 1), (0.45, 0), (0.02, 0.68), (0.65, 0.68)]],
    "5": [[(0.6, 0), (0.12, 0), (0.08, 0.43), (0.34, 0.38), (0.56, 0.48), (0.62, 0.7),
           (0.5, 0.92), (0.26, 1), (0.02, 0.9)]],
    "6": [[(0.5, 0.02), (0.26, 0.2), (0.1, 0.48), (0.05, 0.72), (0.14, 0.94), (0.34, 1),
           (0.55, 0.9), (0.58, 0.66), (0.4, 0.5), (0.16, 0.56), (0.05, 0.72)]],
    "7": [[(0.02, 0), (0.62, 0), (0.25, 1)]],
    "8": [[(0.32, 0.48), (0.1, 0.36), (0.1, 0.12), (0.32, 0), (0.54, 0.12), (0.54, 0.36),
           (0.32, 0.48), (0.05, 0.62), (0.05, 0.88), (0.32, 1), (0.6, 0.88), (0.6, 0.62),
           (0.32, 0.48)]],
    "9": [[(0.57, 0.3), (0.46, 0.06), (0.25, 0), (0.06, 0.14), (0.06, 0.4), (0.25, 0.55),
           (0.48, 0.48), (0.57, 0.3), (0.55, 0.7), (0.42, 0.94), (0.1, 0.97)]],
}  # fmt: skip
TRIANGLES: list[list[Stroke]] = [
    [[(0.3 + lean, 0.05), (0.62, 0.95), (0, 0.95 - rise), (0.3 + lean, 0.05)]]
    for lean, rise in ((0, 0), (0.04, 0.02), (-0.04, 0.03), (0.02, 0.05), (0.06, 0), (-0.02, 0.04))
]


class Served(Protocol):
    """A running server."""

    url: str
    key: str


def _page_text() -> str:
    return (files("neurallayers.service") / "page" / "index.html").read_text(encoding="utf-8")


def test_page_is_one_small_file_that_needs_no_other_host() -> None:
    text = _page_text()
    assert len(text.encode()) < 100_000
    assert not re.search(r"https?:|\burl\(|@import|\bsrc=|<link(?![^>]*\bhref=\"data:)", text)


def test_page_never_makes_markup_or_code_of_text() -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function"
    assert not re.search(forbidden, _page_text())


def test_page_keeps_to_the_policy_of_inline_blocks() -> None:
    markup = _page_text().split("<script>")[0]
    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", markup)


# -------------------------------------------------------------------------- in the browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="the playground is tested with Playwright: not installed"
    )
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip(f"the playground is tested in a browser: none of {', '.join(names)} is here")
    # Chromium's own sandbox does not work for root, as in most containers; only our page is opened.
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as tool:
        chromium = tool.chromium.launch(executable_path=path, args=flags)
        yield chromium
        chromium.close()


class Visitor:
    """Somebody at the page, with a brain of their own."""

    def __init__(self, browser: Any, served: Served, **options: Any) -> None:
        self.url, self.key = served.url.rstrip("/"), served.key
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
        self.context.set_default_timeout(8000)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._listen)

    def _listen(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def born(self, name: str) -> str:
        """A new brain; its id."""
        answer = self.context.request.post(
            f"{self.url}/v1/brains",
            headers={"Authorization": f"Bearer {self.key}"},
            data={"name": name},
        )
        assert answer.status == 201, answer.text()
        return str(answer.json()["id"])

    def enter(self, name: str = "Ada") -> Any:
        """Open the page with a new brain, as the address that the service prints does."""
        self.page.goto(f"{self.url}/#key={self.key}&brain={self.born(name)}")
        self.page.wait_for_selector("#live.on")
        return self.page

    def draw(self, strokes: list[Stroke], size: float = 0.7, at: Point = (0.25, 0.15)) -> None:
        """Draw with the mouse; sizes and places are shares of the slate."""
        self.page.locator("#pad").scroll_into_view_if_needed()
        box = self.page.locator("#pad").bounding_box()
        for stroke in strokes:
            points = [
                (box["x"] + box["width"] * (at[0] + x * size),
                 box["y"] + box["height"] * (at[1] + y * size))
                for x, y in stroke
            ]  # fmt: skip
            self.page.mouse.move(*points[0])
            self.page.mouse.down()
            for point in points[1:]:
                self.page.mouse.move(*point, steps=5)
            self.page.mouse.up()

    def teach(self, target: str, drawings: list[list[Stroke]]) -> None:
        """Draw and teach, one after the other."""
        for drawing in drawings:
            self.draw(drawing)
            self.page.fill("#target", target)
            with self.page.expect_response("**/learn"):
                self.page.click("#learn")
            self.page.wait_for_selector("#learn:enabled")
        count = f" × {len(drawings)}" if len(drawings) > 1 else ""
        self.sees("#lessons li:first-child .what", f"{target}{count}")

    def sees(self, selector: str, text: str | re.Pattern[str]) -> None:
        """Wait until an element says so."""
        from playwright.sync_api import expect

        expect(self.page.locator(selector)).to_have_text(text, timeout=8000)


@pytest.fixture
def visitor(browser: Any, served: Served) -> Iterator[Visitor]:
    """Somebody at a laptop; nothing may go wrong in the browser's console."""
    someone = Visitor(browser, served)
    yield someone
    someone.context.close()
    assert someone.complaints == []


def test_plain_digits_are_read_wherever_and_however_large_they_are_drawn(visitor: Visitor) -> None:
    page, read = visitor.enter(), []
    for i, (name, strokes) in enumerate(DIGITS.items()):
        visitor.draw(strokes, size=0.3 + 0.06 * i, at=(0.5 - 0.04 * i, 0.05))
        page.wait_for_selector("#answering[aria-busy=false]")
        read.append((name, page.inner_text("#label")))
        page.click("#clear")
        visitor.sees("#label", "?")
    assert sum(name == answer for name, answer in read) >= 9, read


def test_an_answer_comes_with_its_shares_spikes_and_vitals(visitor: Visitor) -> None:
    page = visitor.enter()
    visitor.draw(DIGITS["7"])
    visitor.sees("#label", "7")
    visitor.sees("#said", re.compile(r"^7, .*%"))
    visitor.sees("#bars li.best .name", "7")
    visitor.sees("#spikes", re.compile(r"^[\d,]+ spikes in \d+ ms"))
    assert page.locator("#vitals tr").count() == page.locator("#vitals td:has-text('Hz')").count()
    assert "spikes a second" in page.get_attribute("#raster", "aria-label")
    colours = page.evaluate(
        """() => {
            const {width, height} = document.getElementById("raster");
            const pen = document.getElementById("raster").getContext("2d");
            return new Set(new Uint32Array(pen.getImageData(0, 0, width, height).data.buffer)).size;
        }"""
    )
    assert colours > 3


def test_a_digit_can_be_drawn_with_the_keyboard_alone(visitor: Visitor) -> None:
    page = visitor.enter()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "pad":
            break
    for key in (" ", *["ArrowDown"] * 8, " "):
        page.keyboard.press(key)
    visitor.sees("#label", "1")
    page.keyboard.press("Backspace")
    visitor.sees("#label", "?")


def test_a_taught_symbol_is_recognised_and_unlearned(visitor: Visitor) -> None:
    page = visitor.enter()
    visitor.teach("triangle", TRIANGLES[:5])
    page.click("#clear")
    visitor.draw(TRIANGLES[5], size=0.5, at=(0.4, 0.3))
    visitor.sees("#label", "triangle")

    page.click("#lessons button")
    visitor.sees("#taught", re.compile("^Unlearned: 5 lessons of triangle"))
    visitor.sees("#label", re.compile(r"^\d$"))
    assert page.locator("#bars .name", has_text="triangle").count() == 0
    visitor.sees("#knows", re.compile("nothing was taught"))


def test_the_last_lesson_alone_can_be_undone(visitor: Visitor) -> None:
    page = visitor.enter()
    visitor.teach("triangle", TRIANGLES[:1])
    visitor.teach("seven", [DIGITS["7"]])
    page.click("#undo")
    visitor.sees("#lessons", re.compile("^triangleUndo$"))
    visitor.sees("#knows", "Knows 11 classes, taught: triangle.")


def test_a_second_brain_does_not_know_what_the_first_was_taught(visitor: Visitor) -> None:
    page = visitor.enter("Teacher")
    teacher = page.input_value("#brain")
    visitor.teach("triangle", TRIANGLES[:2])
    visitor.sees("#label", "triangle")
    page.click("#new")
    page.fill("#name", "Novice")
    page.click("#birth .main")
    visitor.sees("#life-title", "Lessons of Novice")
    visitor.sees("#label", re.compile(r"^\d$"))
    novice = page.input_value("#brain")
    page.select_option("#brain", teacher)
    visitor.sees("#label", "triangle")

    page.select_option("#brain", novice)
    visitor.sees("#life-title", "Lessons of Novice")
    page.click("#delete")
    visitor.sees("#death-title", "Delete Novice?")
    page.click("#death .main")
    page.wait_for_selector(f"#brain option[value='{novice}']", state="detached")
    assert page.locator(f"#brain option[value='{teacher}']").count() == 1


def test_a_busy_service_is_asked_again_and_teaches_once(visitor: Visitor) -> None:
    page, keys = visitor.enter(), []

    def busy_once(route: Any) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            route.continue_()
            return
        route.fulfill(
            status=503,
            headers={"Retry-After": "1", "Content-Type": "application/problem+json"},
            body='{"title": "Overloaded", "status": 503, "detail": "Too much", "remedy": "Wait"}',
        )

    page.route("**/learn", busy_once)
    visitor.draw(TRIANGLES[0])
    page.fill("#target", "triangle")
    page.click("#learn")
    visitor.sees("#problem", re.compile(r"Overloaded\. Too much\. Trying again in 1 second\."))
    visitor.sees("#lessons li:first-child .what", "triangle")
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert not page.is_visible("#problem")
    assert len(visitor.complaints) == 1  # the browser's own line about the 503
    assert "503" in visitor.complaints.pop()


def test_a_refusal_is_told_with_its_remedy(visitor: Visitor) -> None:
    page = visitor.enter()
    page.route(
        "**/learn",
        lambda route: route.fulfill(
            status=422,
            headers={"Content-Type": "application/problem+json"},
            body='{"title": "Not so", "status": 422, "detail": "<b>No</b>", "remedy": "Do this"}',
        ),
    )
    visitor.draw(TRIANGLES[0])
    page.fill("#target", "triangle")
    page.click("#learn")
    visitor.sees("#problem div", "Not so. <b>No</b>. Do this.")
    assert "422" in visitor.complaints.pop()


def test_a_wrong_key_brings_the_key_box(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{visitor.url}/#key=nl_wrong")
    page.wait_for_selector("#key-box[open] #key-refused:not([hidden])")
    assert "nl_wrong" not in page.url
    page.fill("#key", visitor.key)
    page.keyboard.press("Enter")
    page.wait_for_selector("#live.on")
    assert not page.is_visible("#key-box")
    # The browser says that an answer was a 401; nothing else may be wrong.
    assert all("401" in line for line in visitor.complaints)
    visitor.complaints.clear()


def test_names_are_text_and_never_markup(visitor: Visitor) -> None:
    name = "<img src=x onerror=alert(1)>"
    page = visitor.enter(name)
    visitor.sees("#life-title", f"Lessons of {name}")
    assert page.locator("main img").count() == 0


def test_a_phone_shows_it_all_in_one_column_and_draws_by_touch(
    browser: Any, served: Served
) -> None:
    phone = Visitor(
        browser, served, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    page = phone.enter("A brain with quite a long name for a phone")
    phone.teach("a symbol with a very long name indeed", TRIANGLES[:1])
    page.click("#clear")
    page.locator("#pad").scroll_into_view_if_needed()
    box, touch = page.locator("#pad").bounding_box(), phone.context.new_cdp_session(page)
    for i in range(9):
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] * (i + 1) / 10}
        kind = "touchMove" if i else "touchStart"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    phone.sees("#label", "1")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    phone.context.close()
    assert phone.complaints == []


# -------------------------------------------------------------------------- its mind


def test_what_was_taught_is_remembered_with_who_said_it(visitor: Visitor) -> None:
    page = visitor.enter()
    assert page.is_disabled("#sleep")
    page.fill("#who", "Ben")
    visitor.teach("triangle", TRIANGLES[:2])
    page.wait_for_selector("#episodes li:nth-child(2)")
    visitor.sees("#episodes li:first-child strong", "triangle")
    visitor.sees("#episodes li:first-child .by", "told by Ben, just now")
    visitor.sees("#memory-count", re.compile("^Remembers 2 episodes"))
    assert page.locator("#mind li").count() >= 1
    drawn = page.evaluate(
        """() => {
            const {width, height} = document.querySelector("#episodes canvas");
            const pen = document.querySelector("#episodes canvas").getContext("2d");
            return new Set(new Uint32Array(pen.getImageData(0, 0, width, height).data.buffer)).size;
        }"""
    )
    assert drawn > 2

    page.click("#episodes li:first-child button")
    visitor.sees("#memory-count", re.compile("^Remembers 1 episode[.]"))
    visitor.sees("#night", re.compile("^It does not remember this triangle any more"))
    visitor.sees("#knows", re.compile("taught: triangle"))


def test_a_night_is_reported_and_makes_concepts(visitor: Visitor) -> None:
    page = visitor.enter()
    page.emulate_media(reduced_motion="reduce")
    visitor.teach("triangle", TRIANGLES[:2])
    page.click("#sleep")
    visitor.sees("#night", re.compile(r"^It slept: replayed \d episodes?, \d+ times in all"))
    visitor.sees("#concepts li:first-child", re.compile(r"^triangle × \d+"))
    visitor.sees("#lessons li:first-child .what", "slept")
    assert not page.is_disabled("#sleep")
    assert not page.is_visible("#mind")  # sleep clears the mind


def test_what_comes_back_at_night_lights_up(visitor: Visitor) -> None:
    page = visitor.enter()
    visitor.teach("triangle", TRIANGLES[:1])
    page.wait_for_selector("#sleep:enabled")
    page.click("#sleep")
    page.wait_for_selector("#episodes li.lit")
    visitor.sees("#night", re.compile("^It slept"))


def test_an_answer_comes_with_its_reasons(visitor: Visitor) -> None:
    page = visitor.enter()
    visitor.draw(DIGITS["7"])
    visitor.sees("#why-score", re.compile(r"^7 scored -?[\d.]+; next comes \d with"))
    assert page.locator("#shares .name", has_text="cerebrum").count() == 1
    assert not page.is_visible("#reminded")
    assert not page.is_visible("#concluded")
    visitor.teach("triangle", TRIANGLES[:1])
    visitor.sees("#recalled li:first-child strong", "triangle")
    assert page.locator("#recalled canvas").count() == 1
    visitor.sees("#shares", re.compile(r"lesson 1: triangle\+"))
    shares = page.locator("#shares .number").all_inner_texts()
    total = sum(float(share.replace("−", "-")) for share in shares)
    score = re.search(r"scored (-?[\d.]+)", page.inner_text("#why-score"))
    assert score is not None
    assert abs(total - float(score[1])) < 0.01 * (len(shares) + 4)
    page.click("#clear")
    assert not page.is_visible("#why-all")


def test_rules_are_heeded_explained_and_given_up(visitor: Visitor) -> None:
    pytest.importorskip("z3")
    page = visitor.enter()
    visitor.draw(DIGITS["7"])
    visitor.sees("#label", "7")
    page.fill("#rule", "large: large(x) <- digit(x, n) & n > 5")
    page.click("#rule-add")
    visitor.sees("#rules li:first-child code", re.compile("^large: large"))
    visitor.sees("#conclusions summary", re.compile(r"^truelarge\(It\)"))
    page.click("#conclusions summary")
    visitor.sees("#conclusions pre", re.compile("by rule large"))
    assert page.input_value("#rule") == ""

    page.click("#rules button")
    page.wait_for_selector("#rules li", state="detached")
    visitor.sees("#conclusions", "")
    assert not page.is_visible("#concluded")


def test_a_rule_that_cannot_be_read_is_refused_beside_it(visitor: Visitor) -> None:
    page = visitor.enter()
    page.fill("#rule", "<b>even</b>(x) <- ")
    page.click("#rule-add")
    page.wait_for_selector("#rule-refused:not([hidden])")
    assert page.inner_text("#rule-refused").startswith("Line 1, column")
    assert page.input_value("#rule") == "<b>even</b>(x) <- "
    assert page.locator("main b").count() == 0
    assert not page.is_visible("#problem")
    assert "422" in visitor.complaints.pop()


def test_names_in_memory_are_text_and_never_markup(visitor: Visitor) -> None:
    page = visitor.enter()
    page.fill("#who", "<img src=x onerror=alert(1)>")
    visitor.teach("<b>bold</b>", TRIANGLES[:1])
    visitor.sees("#episodes strong", "<b>bold</b>")
    visitor.sees("#episodes .by", re.compile("^told by <img"))
    assert page.locator("main img, main b").count() == 0


def test_a_mind_fits_on_a_phone(browser: Any, served: Served) -> None:
    phone = Visitor(
        browser, served, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    page = phone.enter()
    page.fill("#who", "somebody-with-a-very-long-name-without-any-place-to-break-it-0123456789")
    phone.teach("a-symbol-with-a-very-long-name-without-a-place-to-break", TRIANGLES[:1])
    page.wait_for_selector("#recalled li")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("#sleep").bounding_box()["height"] >= 44
    assert page.locator("#episodes button").bounding_box()["height"] >= 40
    phone.context.close()
    assert phone.complaints == []
