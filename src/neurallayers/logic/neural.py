r"""Neural predicates: a network gives the probability of each label, a program says what follows.

``digit(x, a)`` holds for exactly one label *a* of the input *x*; how probable each is, a network
says. Rules conclude from labels what was really observed, and the network is trained from that
alone: the probability of an observation *s* is that of all labels from which it follows,

.. math:: P(s) = \sum_{a, b\,:\, a + b = s} p(a \mid x) \, p(b \mid y)

for the sum of two digits. The program is compiled once, for any batch; its gradient is exact
(DeepProbLog: Manhaeve, Dumancic, Kimmig, Demeester & De Raedt 2018, section 4).

Source: Manhaeve et al. (2018), DeepProbLog: neural probabilistic logic programming, NeurIPS,
arXiv:1805.10872.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.logic.probabilistic import (
    IMPOSSIBLE_EVIDENCE,
    CompiledProgram,
    Evidence,
    Questions,
    compile_program,
    formulas_of,
)
from neurallayers.logic.rules import Choice, Program
from neurallayers.logic.syntax import parse_program
from neurallayers.logic.terms import Atom, Constant, Formula, Term, Variable, constants
from neurallayers.registry import nearest_name

Label = str | int


class NeuralPredicate:
    """A predicate of inputs and a label, whose probabilities a network gives.

    Args:
        name: The predicate's name; ``name(x, label)`` with as many inputs before the label as the
            network takes.
        module: Takes the inputs, one tensor of ``[batch, ...]`` each, and gives logits ``[batch,
            labels]`` (any logarithms of unnormalised probabilities).
        labels: What the outputs stand for, in their order: integers or texts.
        inputs: How many inputs the network takes.

    Raises:
        InvalidInput: If there are fewer than two labels, or one twice.

    >>> parity = NeuralPredicate("parity", torch.nn.Linear(3, 2), labels=["even", "odd"])
    >>> parity.log_distribution(torch.zeros(4, 3)).exp().sum(dim=1).allclose(torch.ones(4))
    True
    """

    def __init__(
        self,
        name: str,
        module: Callable[..., Tensor],
        labels: Iterable[Label],
        *,
        inputs: int = 1,
    ) -> None:
        self.labels: tuple[Label, ...] = tuple(labels)
        if len(self.labels) < 2 or len(set(self.labels)) < len(self.labels):
            raise InvalidInput(
                f"The labels of {name!r} are {list(self.labels)}.",
                "Name two or more, each once: labels=range(10).",
            )
        if inputs < 1:
            raise InvalidInput(f"{name!r} takes {inputs} inputs.", "It needs at least one.")
        if not callable(module):
            raise InvalidInput(
                f"The module of {name!r} is {module!r}.", "Give a network or a function."
            )
        self.name = name
        self.module = module
        self.inputs = inputs

    def log_distribution(self, *inputs: Tensor) -> Tensor:
        """The logarithm of each label's probability, ``[batch, labels]``.

        Raises:
            ShapeMismatch: If the network gives another number of outputs.
        """
        logits = self.module(*inputs)
        if logits.ndim != 2 or logits.shape[1] != len(self.labels):
            raise ShapeMismatch(
                f"The network of {self.name!r} gave {tuple(logits.shape)}.",
                f"Give logits [batch, {len(self.labels)}], one column a label.",
            )
        return torch.log_softmax(logits, dim=1)

    def choice(self, inputs: Sequence[str]) -> Choice:
        """The choice among the labels of some inputs, before the network is asked."""
        given: tuple[Term, ...] = tuple(Constant(name) for name in inputs)
        share = 1.0 / len(self.labels)
        atoms = (Atom(self.name, (*given, Constant(label))) for label in self.labels)
        return Choice("", tuple((share, atom) for atom in atoms))


class NeuralProgram(nn.Module):
    """A program with neural predicates, compiled for a query.

    The networks are its submodules, so that an optimiser finds their parameters.

    Args:
        program: Rules, facts and choices that use the predicates.
        predicates: The neural predicates.
        query: What is observed, such as ``"addition(Left, Right, z)"``: an atom with a variable has
            an answer for each value that it can take. Several queries are allowed, negated ones
            too (``["same(A, B)", "!same(A, B)"]``).
        inputs: Names of the constants that stand for tensors; without them, the texts among the
            constants of the queries.
        evidence: What else is known, as in :func:`~neurallayers.logic.probabilistic.marginals`.

    Raises:
        InvalidInput: If the program cannot be compiled or no input reaches the query.

    >>> digit = NeuralPredicate("digit", torch.nn.Linear(4, 10), labels=range(10))
    >>> addition = NeuralProgram(
    ...     "addition(x, y, z) <- digit(x, a) & digit(y, b) & z is a + b",
    ...     [digit],
    ...     query="addition(Left, Right, z)",
    ... )
    >>> images = torch.zeros(5, 4)
    >>> addition({"Left": images, "Right": images}).shape  # sums from 0 to 18
    torch.Size([5, 19])
    >>> addition.values[-1]
    18
    """

    def __init__(
        self,
        program: Program | str,
        predicates: Sequence[NeuralPredicate],
        query: Questions,
        *,
        inputs: Sequence[str] | None = None,
        evidence: Evidence = (),
    ) -> None:
        super().__init__()
        program = parse_program(program) if isinstance(program, str) else program
        self.predicates = {predicate.name: predicate for predicate in predicates}
        if not predicates or len(self.predicates) < len(predicates):
            raise InvalidInput(
                f"The neural predicates are {[p.name for p in predicates]}.",
                "Give one or more, each with a name of its own.",
            )
        self.networks = nn.ModuleDict(
            {p.name: p.module for p in predicates if isinstance(p.module, nn.Module)}
        )
        self.inputs: tuple[str, ...] = tuple(_named(query, program) if inputs is None else inputs)
        choices = tuple(
            predicate.choice(names)
            for predicate in predicates
            for names in itertools.product(self.inputs, repeat=predicate.inputs)
        )
        whole = program + Program(choices=choices)
        self.compiled: CompiledProgram = compile_program(whole, query, evidence)
        self._places = self._places_of_networks()
        if not self._places:
            raise InvalidInput(
                f"No neural predicate with the inputs {list(self.inputs)} decides the query.",
                "Let the query reach one of the predicates, and name its inputs as constants: "
                "'addition(Left, Right, z)'.",
            )

    @property
    def answers(self) -> tuple[Formula, ...]:
        """What each column stands for."""
        return self.compiled.queries

    @property
    def values(self) -> tuple[Label, ...]:
        """For one query with one variable: the variable's value in each column.

        Raises:
            InvalidInput: If the answers differ in more than one term.
        """
        atoms = [answer for answer in self.answers if isinstance(answer, Atom)]
        if len(atoms) == len(self.answers) and len({(a.predicate, a.arity) for a in atoms}) == 1:
            columns = list(zip(*(atom.terms for atom in atoms), strict=True))
            differing = [column for column in columns if len(set(column)) > 1]
            if len(differing) == 1:
                return tuple(term.name for term in differing[0])
        raise InvalidInput(
            "The answers have no single value.",
            "Read `answers`, or ask one atom with one variable.",
        )

    def columns(self, values: Tensor | Sequence[Label]) -> Tensor:
        """The column of each value, int64 ``[batch]``.

        Raises:
            UnknownName: If a value can never follow.
        """
        places = {value: column for column, value in enumerate(self.values)}
        wanted = values.tolist() if isinstance(values, Tensor) else list(values)
        unknown = [value for value in wanted if value not in places]
        if unknown:
            raise UnknownName(
                f"{unknown[0]!r} never follows from the program.",
                f"What can follow: {', '.join(map(str, self.values))}.",
            )
        return torch.tensor([places[value] for value in wanted], dtype=torch.int64)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """The logarithm of the probability of each answer, ``[batch, answers]``.

        Args:
            inputs: A tensor ``[batch, ...]`` for each name among :attr:`inputs`.

        Raises:
            UnknownName: If an input is missing or has a name that the program does not know.
            ShapeMismatch: If the inputs differ in their number of rows.
        """
        return self.compiled.log_probabilities(self._log_weights(inputs))

    def loss(self, inputs: Mapping[str, Tensor], columns: Tensor) -> Tensor:
        """The mean negative logarithm of the probability of what was observed.

        Args:
            inputs: As for :meth:`forward`.
            columns: int64 ``[batch]``, which answer was observed; see :meth:`columns`.
        """
        log_probabilities = self(inputs)
        if columns.shape != log_probabilities.shape[:1]:
            raise ShapeMismatch(
                f"columns are {tuple(columns.shape)} for {len(log_probabilities)} rows.",
                "Give the column of one answer a row.",
            )
        likelihood: Tensor = log_probabilities.gather(1, columns[:, None])
        return -likelihood.mean()

    def predict(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """The column of the most probable answer, int64 ``[batch]``."""
        with torch.no_grad():
            return torch.as_tensor(self(inputs).argmax(dim=1))

    def posteriors(self, inputs: Mapping[str, Tensor], columns: Tensor) -> dict[Atom, Tensor]:
        """What the networks' labels must have been, given what was observed.

        The probability of each label given the answer is the derivative of the answer's logarithm
        by that of the label's weight (Darwiche 2003, theorem 1).

        Returns:
            For each use of a neural predicate, as an atom with the variable ``label`` last, the
            probabilities ``[batch, labels]``.
        """
        weights = self._log_weights(inputs).detach().requires_grad_(True)
        observed = self.compiled.log_probabilities(weights).gather(1, columns[:, None])
        if bool(observed.isneginf().any()):
            raise InvalidInput(*IMPOSSIBLE_EVIDENCE)
        total = observed.sum() + self.compiled.log_evidence(weights).sum()
        (shares,) = torch.autograd.grad(total, weights)
        found = {}
        for place, (name, names) in self._places.items():
            offset = self.compiled.circuit.offsets[place]
            given: tuple[Term, ...] = tuple(Constant(each) for each in names)
            atom = Atom(name, (*given, Variable("label")))
            labels = len(self.predicates[name].labels)
            share = shares[:, offset : offset + labels]
            # A choice that the answer does not ask keeps what the network said.
            rest = weights.detach()[:, offset : offset + labels].exp()
            found[atom] = share + (1.0 - share.sum(dim=1, keepdim=True)) * rest
        return found

    def _places_of_networks(self) -> dict[int, tuple[str, tuple[str, ...]]]:
        """Which choices the networks decide, and of which inputs."""
        places = {}
        for place, choice in enumerate(self.compiled.choices):
            head = choice.heads[0]
            predicate = self.predicates.get(head.predicate)
            names = tuple(str(t.name) for t in head.terms[:-1] if isinstance(t, Constant))
            if predicate is not None and len(names) == predicate.inputs:
                places[place] = (head.predicate, names)
        return places

    def _log_weights(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """All weights, each network asked once for all its inputs together."""
        self._check(inputs)
        distributions: dict[int, Tensor] = {}
        for name, predicate in self.predicates.items():
            places = [(place, names) for place, (of, names) in self._places.items() if of == name]
            if not places:
                continue
            # Together, as one large batch is faster than several small ones.
            together = [
                torch.cat([inputs[names[i]] for _, names in places])
                for i in range(predicate.inputs)
            ]
            parts = predicate.log_distribution(*together).chunk(len(places))
            distributions |= {place: part for (place, _), part in zip(places, parts, strict=True)}
        return self.compiled.log_weights(distributions)

    def _check(self, inputs: Mapping[str, Tensor]) -> None:
        used = dict.fromkeys(name for _, names in self._places.values() for name in names)
        for name in (*used, *inputs):
            if name not in inputs or name not in self.inputs:
                raise UnknownName(
                    f"The input {name!r} is {'not known' if name in inputs else 'missing'}.",
                    nearest_name(name, list(self.inputs)),
                )
        rows = {name: len(inputs[name]) for name in used}
        if len(set(rows.values())) > 1 or 0 in rows.values():
            raise ShapeMismatch(
                f"The inputs have {rows} rows.", "Give each the same number of rows, one or more."
            )


def _named(query: Questions, program: Program) -> list[str]:
    """The texts among the constants of the queries that the program itself does not mention."""
    own = set(program.constants())
    found = dict.fromkeys(
        constant.name
        for formula in formulas_of(query, program)
        for constant in constants(formula)
        if isinstance(constant.name, str) and constant not in own
    )
    return [str(name) for name in found]
