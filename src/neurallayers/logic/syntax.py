"""The syntax of formulas, rules and programs, and the parser that reads it.

One statement stands on a line (or ends with a dot); ``#`` begins a comment; a line goes on after an
operator, before one, and inside parentheses::

    parity: even(x) <- digit(x, 2) | digit(x, 4)      # a rule with a name
    0.9 :: flies(x) <- bird(x) & !penguin(x)          # a rule with a weight
    bird(Tweety)                                      # a fact
    0.3 :: penguin(Tweety)                            # a fact with a weight
    forall x: penguin(x) -> bird(x)                   # an axiom
    total(x, y, z) <- digit(x, a), digit(y, b), z is a + b
    0.2 :: red(Ball) ; 0.8 :: blue(Ball)              # a choice
    domain person: anna, bob                          # names of a finite domain
    predicate likes(person, person)                   # which domains the terms come from
    constant venus                                    # a name in lower case that is a constant
    query flies(Tweety)
    evidence bird(Tweety)

Operators, from the one that binds tightest: ``!``, ``&``, ``xor``, ``|``, ``->`` (to the right),
``<->``; also as words (``not and or xor``) and as signs (``¬ ∧ ⊕ ∨ → ↔``). A quantifier with a
colon reaches as far to the right as it can; without one (``∀x (p(x))``) it takes the next formula,
and more only where its variable is used further on.

A name in lower case among the terms is a variable; a name with a capital, an integer and a quoted
text are constants (the convention of Markov logic, Richardson & Domingos 2006). A quantified name
is a variable whatever its case, and ``?X`` is always one. With ``constants="free"`` exactly the
quantified names are variables, as in formulas written by people.
"""

from __future__ import annotations

from collections.abc import Iterable

from neurallayers.logic.grammar import ENDS, Parser, text_of
from neurallayers.logic.rules import Axiom, Choice, Position, Program, Rule, Statement
from neurallayers.logic.terms import Atom, Constant, Formula, Literal, Not, Variable
from neurallayers.logic.tokens import END, MARKED, NAME, NUMBER, TEXT

_DECLARATIONS = frozenset({"domain", "predicate", "constant", "query", "evidence"})
_BEGINS_STATEMENT = frozenset(
    {NAME, TEXT, MARKED, NUMBER, "!", "forall", "exists", "true", "false"}
)
_KINDS: dict[type, str] = {Axiom: "a formula", Choice: "a choice"}


def parse_formula(text: str, *, constants: str | Iterable[str] = ()) -> Formula:
    """Read one formula.

    Args:
        text: The formula, such as ``"forall x: penguin(x) -> bird(x)"``.
        constants: Names in lower case that are constants, or ``"free"``: every name is one that
            no quantifier binds.

    Raises:
        LogicSyntaxError: If the text is no formula; says where and what to do.

    >>> parse_formula("rain & !umbrella -> wet")
    Implies(premise=And(operands=(Atom(predicate='rain', terms=()), \
Not(operand=Atom(predicate='umbrella', terms=())))), conclusion=Atom(predicate='wet', terms=()))
    >>> print(parse_formula("∀x (Bird(x) → Animal(x)) ∧ Bird(tweety)", constants="free"))
    (forall x: Bird(x) -> Animal(x)) & Bird("tweety")
    """
    parser = Parser(text, constants)
    parser.skip_lines()
    formula = parser.formula()
    parser.expect_nothing_more("formula")
    return formula


def parse_rule(text: str, *, constants: str | Iterable[str] = ()) -> Rule:
    """Read one rule or fact.

    Raises:
        LogicSyntaxError: If the text is no rule; says where and what to do.

    >>> print(parse_rule("parity: 0.9 :: even(x) <- digit(x, 2) or digit(x, 4)"))
    parity: 0.9 :: even(x) <- digit(x, 2) | digit(x, 4)
    """
    parser = Parser(text, constants)
    parser.skip_lines()
    start = parser.token
    statement = parser.statement()
    parser.expect_nothing_more("rule")
    if not isinstance(statement, Rule):
        raise parser.source.error(
            start.offset, f"this is {_KINDS[type(statement)]} and no rule.", "Write 'head <- body'."
        )
    return statement


def parse_program(text: str, *, constants: str | Iterable[str] = ()) -> Program:
    """Read a text of many statements.

    Raises:
        LogicSyntaxError: If a statement cannot be read or a name is given twice.

    >>> program = parse_program('''
    ... bird(x) <- penguin(x)      # all penguins are birds
    ... penguin(Tweety)
    ... ''')
    >>> print(program.rules[0], program.rules[0].position)
    bird(x) <- penguin(x) line 2, column 1
    """
    return _ProgramReader(Parser(text, constants)).read()


class _ProgramReader:
    """Reads the statements of a program and sorts them."""

    def __init__(self, parser: Parser) -> None:
        self.parser = parser
        self.statements: list[Statement] = []
        self.queries: list[Formula] = []
        self.evidence: list[Literal] = []
        self.domains: dict[str, tuple[Constant, ...]] = {}
        self.signatures: dict[str, tuple[str, ...]] = {}
        self.names: dict[str, Position] = {}

    def read(self) -> Program:
        parser = self.parser
        parser.skip_lines()
        while parser.token.kind != END:
            declares = (
                parser.token.text in _DECLARATIONS and parser.following.kind in _BEGINS_STATEMENT
            )
            if declares and parser.token.kind == NAME:
                getattr(self, f"read_{parser.tokens[parser.index].text}")()
            else:
                self.read_statement()
            if parser.token.kind not in ENDS:
                raise parser.unexpected()
            parser.skip_lines()
        return self.program()

    def program(self) -> Program:
        rules = [each for each in self.statements if isinstance(each, Rule)]
        return Program(
            rules=tuple(rule for rule in rules if rule.body is not None),
            facts=tuple(rule for rule in rules if rule.body is None),
            axioms=tuple(each for each in self.statements if isinstance(each, Axiom)),
            choices=tuple(each for each in self.statements if isinstance(each, Choice)),
            queries=tuple(self.queries),
            evidence=tuple(self.evidence),
            domains=self.domains,
            signatures=self.signatures,
        )

    def read_statement(self) -> None:
        start = self.parser.token
        statement = self.parser.statement()
        name = statement.name
        if name and name in self.names:
            raise self.parser.error(
                f"{name!r} already names the statement of {self.names[name]}.",
                "Give each statement a name of its own.",
                start,
            )
        self.names[name] = self.parser.source.position(start.offset)
        self.statements.append(statement)

    def read_domain(self) -> None:
        self.parser.index += 1
        remedy = "Write 'domain person: anna, bob'."
        name = self.parser.expect(NAME, "the name of the domain", remedy)
        self.parser.expect(":", "':'", remedy)
        members = self.constants_declared()
        self.domains[name.text] = tuple(dict.fromkeys(members))

    def read_constant(self) -> None:
        self.parser.index += 1
        self.constants_declared()

    def constants_declared(self) -> list[Constant]:
        """Names that are constants from here on, whatever their case."""
        parser, members = self.parser, []
        while True:
            if parser.token.kind == NAME:
                parser.declared.add(parser.token.text)
            term = parser.term()
            if isinstance(term, Variable):
                raise parser.error(f"{term} is a variable.", "Name constants: anna, Bob, 7.")
            members.append(term)
            if not parser.take(","):
                return members

    def read_predicate(self) -> None:
        parser = self.parser
        parser.index += 1
        remedy = "Write 'predicate likes(person, person)'."
        name = parser.take(NAME, TEXT)
        if name is None:
            raise parser.error("the name of a predicate is expected.", remedy)
        parser.expect("(", "'('", remedy)
        domains = [parser.expect(NAME, "the name of a domain", remedy).text]
        while parser.take(","):
            domains.append(parser.expect(NAME, "the name of a domain", remedy).text)
        parser.expect(")", "')'", remedy)
        self.signatures[text_of(name)] = tuple(domains)

    def read_query(self) -> None:
        self.parser.index += 1
        self.queries.append(self.parser.formula())

    def read_evidence(self) -> None:
        self.parser.index += 1
        start = self.parser.token
        literal = self.parser.formula()
        if not isinstance(literal.operand if isinstance(literal, Not) else literal, Atom):
            raise self.parser.error(
                f"'{literal}' is no literal.", "Observe an atom or the negation of one.", start
            )
        self.evidence.append(literal)  # type: ignore[arg-type]
