"""One registry for each kind of thing of which there are many: a name, a maker, a did-you-mean."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from neurallayers.errors import UnknownName

T = TypeVar("T")
Maker = TypeVar("Maker", bound=Callable[..., Any])


def nearest_name(name: str, known: list[str]) -> str:
    """Say which known name was probably meant, or list them all.

    >>> nearest_name("fast_sigmod", ["arctan", "fast_sigmoid"])
    "Did you mean 'fast_sigmoid'? Known: arctan, fast_sigmoid."
    """
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    listing = f"Known: {', '.join(sorted(known))}."
    return f"Did you mean {close[0]!r}? {listing}" if close else listing


class Registry(Generic[T]):
    """Makers of one kind of thing, by name.

    Args:
        kind: What the things are, in the singular; it appears in errors.

    >>> greetings: Registry[str] = Registry("greeting")
    >>> @greetings.register("hello")
    ... def hello(name: str) -> str:
    ...     return f"hello {name}"
    >>> greetings.make("hello", name="Ada")
    'hello Ada'
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._makers: dict[str, Callable[..., T]] = {}

    def register(self, name: str) -> Callable[[Maker], Maker]:
        """Decorate a class or function as the maker of ``name``.

        Raises:
            ValueError: If the name is already taken; two makers of one name are our own mistake.
        """

        def keep(maker: Maker) -> Maker:
            if name in self._makers:
                raise ValueError(f"{self.kind} {name!r} is registered twice; choose another name.")
            self._makers[name] = maker
            return maker

        return keep

    def get(self, name: str) -> Callable[..., T]:
        """The maker of ``name``.

        Raises:
            UnknownName: If there is none; the nearest name is suggested.
        """
        try:
            return self._makers[name]
        except KeyError:
            raise UnknownName(
                f"There is no {self.kind} called {name!r}.",
                nearest_name(name, list(self._makers)),
            ) from None

    def make(self, name: str, /, *args: Any, **options: Any) -> T:
        """Make the thing called ``name``; the arguments go to its maker."""
        return self.get(name)(*args, **options)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._makers))

    def __len__(self) -> int:
        return len(self._makers)

    def __contains__(self, name: object) -> bool:
        return name in self._makers
