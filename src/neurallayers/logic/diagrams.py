r"""Decision diagrams over choices: every formula of the same choices in one canonical form.

A *choice* is a variable with a few alternatives, of which exactly one happens: a fact that is true
or false, the colour of a ball, the label that a network gives an image. A diagram asks the choices
in one fixed order and ends in true or false. As diagrams are kept reduced (no question whose answer
does not matter, no two equal parts), equal formulas have the *same* node: equality is ``==`` of two
numbers, and the fixed point of a recursive program is reached when no number changes.

With two alternatives these are the reduced ordered binary decision diagrams of Bryant (1986), with
more the multi-valued ones of Srinivasan et al. (1990). The sum over all ways to reach true of the
product of the chosen alternatives' weights is then one pass over the nodes
(:mod:`neurallayers.logic.circuits`).

Sources: Bryant (1986), Graph-based algorithms for Boolean function manipulation, IEEE Trans.
Computers C-35:677; Srinivasan, Ham, Malik & Brayton (1990), Algorithms for discrete function
manipulation, ICCAD, 92-95.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from neurallayers.errors import InvalidInput

FALSE, TRUE = 0, 1
"""The two ends of every diagram."""

NODES_AT_MOST = 2_000_000
"""How many nodes one :class:`Diagrams` makes before it gives up, unless told otherwise."""

_END = 1 << 62  # the ends come after every choice
_AND, _OR = 0, 1


class Diagrams:
    """All diagrams over one growing list of choices; a diagram is the number of its top node.

    Choices are asked in the order in which they were added.

    Args:
        nodes_at_most: Give up beyond so many nodes.

    >>> diagrams = Diagrams()
    >>> coin, die = diagrams.add_choice(2), diagrams.add_choice(6)
    >>> heads, six = diagrams.alternative(coin, 1), diagrams.alternative(die, 5)
    >>> either = diagrams.either(heads, six)
    >>> diagrams.negated(either) == diagrams.both(diagrams.negated(heads), diagrams.negated(six))
    True
    """

    def __init__(self, *, nodes_at_most: int = NODES_AT_MOST) -> None:
        self.nodes_at_most = nodes_at_most
        self._sizes: list[int] = []
        self._levels: list[int] = [_END, _END]
        self._children: list[tuple[int, ...]] = [(), ()]
        self._unique: dict[tuple[int, tuple[int, ...]], int] = {}
        self._combined: tuple[dict[tuple[int, int], int], ...] = ({}, {})
        self._negated: dict[int, int] = {FALSE: TRUE, TRUE: FALSE}

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many alternatives each choice has."""
        return tuple(self._sizes)

    def __len__(self) -> int:
        """How many nodes were made, the two ends included."""
        return len(self._levels)

    def add_choice(self, alternatives: int) -> int:
        """Add a choice after all others and give its number.

        Raises:
            InvalidInput: If it has fewer than two alternatives.
        """
        if alternatives < 2:
            raise InvalidInput(
                f"A choice has {alternatives} alternatives.",
                "Give it two or more, or leave it out.",
            )
        self._sizes.append(alternatives)
        return len(self._sizes) - 1

    def alternative(self, choice: int, value: int) -> int:
        """The diagram that is true exactly when ``choice`` falls on ``value``.

        Raises:
            InvalidInput: If there is no such choice or alternative.
        """
        if not 0 <= choice < len(self._sizes) or not 0 <= value < self._sizes[choice]:
            raise InvalidInput(
                f"Alternative {value} of choice {choice} does not exist.",
                f"There are {len(self._sizes)} choices; alternatives count from 0.",
            )
        size = self._sizes[choice]
        return self._node(choice, tuple(TRUE if i == value else FALSE for i in range(size)))

    def level(self, node: int) -> int:
        """Which choice a node asks; a number beyond all choices for the two ends."""
        return self._levels[node]

    def children(self, node: int) -> tuple[int, ...]:
        """Where each alternative leads; empty for the two ends."""
        return self._children[node]

    def both(self, a: int, b: int) -> int:
        """True where both are."""
        return self._combine(_AND, a, b)

    def either(self, a: int, b: int) -> int:
        """True where one of them is, or both."""
        return self._combine(_OR, a, b)

    def same(self, a: int, b: int) -> int:
        """True where both are true or both are false."""
        neither = self.both(self.negated(a), self.negated(b))
        return self.either(self.both(a, b), neither)

    def all_of(self, diagrams: Iterable[int]) -> int:
        """True where all are; true for none."""
        return self._fold(_AND, list(diagrams), TRUE)

    def any_of(self, diagrams: Iterable[int]) -> int:
        """True where at least one is; false for none."""
        return self._fold(_OR, list(diagrams), FALSE)

    def negated(self, node: int) -> int:
        """True where the diagram is false."""
        known = self._negated
        stack = [node]
        while stack:
            top = stack[-1]
            if top in known:
                stack.pop()
                continue
            missing = [child for child in self._children[top] if child not in known]
            if missing:
                stack.extend(missing)
                continue
            made = self._node(self._levels[top], tuple(known[c] for c in self._children[top]))
            known[top], known[made] = made, top
            stack.pop()
        return known[node]

    def holds(self, node: int, values: Sequence[int]) -> bool:
        """Whether a diagram is true when each choice falls on the value given for it."""
        while node > TRUE:
            node = self._children[node][values[self._levels[node]]]
        return node == TRUE

    def below(self, roots: Iterable[int]) -> list[int]:
        """Every node that some root leads to, the roots and the ends included, ascending."""
        seen: set[int] = {FALSE, TRUE}
        stack = list(roots)
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                stack.extend(self._children[node])
        return sorted(seen)

    def _fold(self, operation: int, diagrams: list[int], nothing: int) -> int:
        """Combine in pairs, so that no operand grows before it must."""
        while len(diagrams) > 1:
            pairs = zip(diagrams[0::2], diagrams[1::2], strict=False)
            odd = [diagrams[-1]] if len(diagrams) % 2 else []
            diagrams = [self._combine(operation, a, b) for a, b in pairs] + odd
        return diagrams[0] if diagrams else nothing

    def _node(self, level: int, children: tuple[int, ...]) -> int:
        """The one node with these children; none is made if all answers lead to the same."""
        first = children[0]
        if all(child == first for child in children):
            return first
        key = (level, children)
        node = self._unique.get(key)
        if node is None:
            node = len(self._levels)
            if node >= self.nodes_at_most:
                raise InvalidInput(
                    f"The decision diagrams need more than {self.nodes_at_most} nodes.",
                    "The choices hang together too much to be counted exactly: ask fewer queries "
                    "at once, give more evidence, make the program smaller, or raise "
                    "nodes_at_most.",
                )
            self._levels.append(level)
            self._children.append(children)
            self._unique[key] = node
        return node

    @staticmethod
    def _at_an_end(operation: int, a: int, b: int) -> int | None:
        """The result where an end or equality decides it."""
        if a == b:
            return a
        strong, weak = (FALSE, TRUE) if operation == _AND else (TRUE, FALSE)
        if strong in (a, b):
            return strong
        if a == weak:
            return b
        return a if b == weak else None

    def _pairs(self, a: int, b: int) -> tuple[int, list[tuple[int, int]]]:
        """The choice to ask first, and the two diagrams after each answer, smaller number first."""
        level_a, level_b = self._levels[a], self._levels[b]
        level = min(level_a, level_b)
        size = self._sizes[level]
        after_a = self._children[a] if level_a == level else (a,) * size
        after_b = self._children[b] if level_b == level else (b,) * size
        return level, [(x, y) if x < y else (y, x) for x, y in zip(after_a, after_b, strict=True)]

    def _combine(self, operation: int, a: int, b: int) -> int:
        """Bryant's apply with a stack of its own, as programs ask thousands of choices."""
        known = self._combined[operation]
        decided = self._at_an_end(operation, a, b)
        if decided is not None:
            return decided
        start = (a, b) if a < b else (b, a)
        stack = [start]
        while stack:
            pair = stack[-1]
            if pair in known:
                stack.pop()
                continue
            level, pairs = self._pairs(*pair)
            results: list[int] = []
            waiting = False
            for after in pairs:
                result = self._at_an_end(operation, *after)
                if result is None:
                    result = known.get(after)
                if result is None:
                    stack.append(after)
                    waiting = True
                else:
                    results.append(result)
            if not waiting:
                known[pair] = self._node(level, tuple(results))
                stack.pop()
        return known[start]
