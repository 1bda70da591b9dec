"""Reads formulas and single statements; :mod:`neurallayers.logic.syntax` says what they look like.

The parser goes down the grammar by one method for each level of binding. It keeps the quantified
names of where it is, as these decide which names are variables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from neurallayers.errors import InvalidInput, LogicSyntaxError
from neurallayers.logic.rules import Axiom, Choice, Position, Rule, Statement
from neurallayers.logic.terms import (
    Atom,
    Constant,
    Exists,
    Falsum,
    ForAll,
    Formula,
    Iff,
    Implies,
    Not,
    Term,
    Variable,
    Verum,
    Xor,
    conjunction,
    disjunction,
    is_variable_name,
)
from neurallayers.logic.tokens import END, MARKED, NAME, NUMBER, TEXT, Source, Token, tokens_of

DEEPEST = 60
"""Formulas nest at most this deep; a text that goes deeper is refused, not followed."""

MOST_DIGITS = 300
"""Longer numbers are refused: no float holds them."""

ENDS = frozenset({"\n", ".", END})
"""Tokens that end a statement."""

_RELATIONS = frozenset({"=", "!=", "<", "<=", ">", ">=", "is"})
_ESCAPED = re.compile(r"\\(.)")


class Parser:
    """Reads tokens by recursive descent; each method reads what its name says."""

    def __init__(self, text: str, constants: str | Iterable[str]) -> None:
        if not isinstance(text, str):
            raise InvalidInput(f"{text!r} is no text.", "Give the formula or program as a string.")
        self.free = constants == "free"
        if isinstance(constants, str) and not self.free:
            raise InvalidInput(
                f"constants is {constants!r}.", "Give 'free' or several names: ('anna', 'bob')."
            )
        self.declared = set() if self.free else set(constants)
        self.source = Source(text)
        self.tokens = tokens_of(self.source, generous=self.free)
        self.index = 0
        self.depth = 0
        self.bound: list[str] = []

    @property
    def token(self) -> Token:
        """The token that is read next."""
        return self.tokens[self.index]

    @property
    def following(self) -> Token:
        """The token after the next."""
        return self.tokens[min(self.index + 1, len(self.tokens) - 1)]

    def take(self, *kinds: str) -> Token | None:
        """The token, if it is of one of these kinds; then the next one is current."""
        token = self.token
        if token.kind not in kinds:
            return None
        self.index += token.kind != END
        return token

    def expect(self, kind: str, what: str, remedy: str) -> Token:
        """The next token, which must be of this kind."""
        token = self.take(kind)
        if token is None:
            raise self.error(f"{what} is expected, and {self.token} was found.", remedy)
        return token

    def error(self, problem: str, remedy: str, token: Token | None = None) -> LogicSyntaxError:
        """The error to raise for a token, or for the next one."""
        return self.source.error((token or self.token).offset, problem, remedy)

    def skip_lines(self) -> None:
        """Pass the ends of empty statements."""
        while self.take("\n", "."):
            pass

    def expect_nothing_more(self, kind: str) -> None:
        """Refuse what stands after the only statement."""
        if self.token.kind not in ENDS:
            raise self.unexpected()
        self.skip_lines()
        if self.token.kind != END:
            raise self.error(f"the text goes on after the {kind}.", "Use parse_program(text).")

    def unexpected(self) -> LogicSyntaxError:
        """The error to raise where a statement should end and does not."""
        if self.token.kind == "<-":
            return self.error(
                "'<-' belongs to a rule and has a literal on its left.",
                "Write 'head <- body' with one atom as head, or 'premise -> conclusion'.",
            )
        return self.error(
            f"the statement should end here, and {self.token} was found.",
            "Join formulas with & | -> <->, or begin a new line.",
        )

    def statement(self) -> Statement:
        """``name: weight :: head <- body``, an axiom or a choice."""
        start = self.token
        position = self.source.position(start.offset)
        name = self._name_of_statement()
        weight = self._weight()
        head = self.formula()
        if self.token.kind == ";":
            return self._choice(name, weight, head, start, position)
        body = self._body() if self.take("<-") else None
        if self.token.kind not in ENDS:
            raise self.unexpected()
        literal = head.operand if isinstance(head, Not) else head
        if isinstance(literal, Atom):
            return Rule(name, head, body, weight, position)  # type: ignore[arg-type]
        if body is not None:
            raise self.error(
                f"the head of a rule is a literal, not '{head}'.",
                "Write other formulas as 'premise -> conclusion'.",
                start,
            )
        return Axiom(name, head, weight, position)

    def _name_of_statement(self) -> str:
        if self.token.kind not in {NAME, TEXT} or self.following.kind != ":":
            return ""
        token = self.tokens[self.index]
        self.index += 2
        return text_of(token)

    def _weight(self) -> float | None:
        start, minus = self.index, self.take("-") is not None
        number = self.take(NUMBER)
        if number is None or self.take("::") is None:
            self.index = start
            return None
        return -float(number.text) if minus else float(number.text)

    def _body(self) -> Formula:
        parts = [self.formula()]
        while self.take(","):
            parts.append(self.formula())
        return conjunction(*parts)

    def _choice(
        self, name: str, weight: float | None, head: Formula, start: Token, position: Position
    ) -> Choice:
        alternatives = [self._alternative(weight, head, start)]
        while self.take(";"):
            start = self.token
            weight = self._weight()
            alternatives.append(self._alternative(weight, self.formula(), start))
        body = self._body() if self.take("<-") else None
        if self.token.kind not in ENDS:
            raise self.unexpected()
        total = sum(probability for probability, _ in alternatives)
        if total > 1.0 + 1e-9:
            raise self.error(
                f"the probabilities of this choice add up to {total:g}.",
                "Let them add up to at most 1.",
                start,
            )
        return Choice(name, tuple(alternatives), body, position)

    def _alternative(self, weight: float | None, head: Formula, at: Token) -> tuple[float, Atom]:
        if weight is None or not 0.0 <= weight <= 1.0 or not isinstance(head, Atom):
            raise self.error(
                "an alternative of a choice is an atom with a probability.",
                "Write '0.2 :: red(Ball) ; 0.8 :: blue(Ball)'.",
                at,
            )
        return weight, head

    def formula(self) -> Formula:
        """A formula, as far to the right as it reaches."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"formulas are nested more than {DEEPEST} deep.", "Split the formula.")
        left = self._implication()
        while self.take("<->"):
            left = Iff(left, self._implication())
        self.depth -= 1
        return left

    def _implication(self) -> Formula:
        parts = [self._alternation()]
        while self.take("->"):
            parts.append(self._alternation())
        self._shallow(len(parts))
        conclusion = parts.pop()
        while parts:
            conclusion = Implies(parts.pop(), conclusion)
        return conclusion

    def _alternation(self) -> Formula:
        return disjunction(*self._separated("|", self._exclusion))

    def _exclusion(self) -> Formula:
        parts = self._separated("xor", lambda: conjunction(*self._separated("&", self._unary)))
        self._shallow(len(parts))
        left = parts[0]
        for right in parts[1:]:
            left = Xor(left, right)
        return left

    def _separated(self, operator: str, read: Callable[[], Formula]) -> list[Formula]:
        parts = [read()]
        while self.take(operator):
            parts.append(read())
        return parts

    def _shallow(self, length: int) -> None:
        """A chain of operators that take two nests as deep as it is long."""
        if self.depth + length > DEEPEST:
            raise self.error(f"formulas are nested more than {DEEPEST} deep.", "Split the formula.")

    def _unary(self) -> Formula:
        negations = 0
        while self.take("!"):
            negations += 1
        self._shallow(negations)
        formula = self._primary()
        for _ in range(negations):
            formula = Not(formula)
        return formula

    def _primary(self) -> Formula:
        quantifier = self.take("forall", "exists")
        if quantifier:
            return self._quantified(ForAll if quantifier.kind == "forall" else Exists)
        if self.take("("):
            formula = self.formula()
            self.expect(")", "')'", "Close the parenthesis, or join the formulas with & | ->.")
            return formula
        constant = self.take("true", "false")
        if constant:
            return Verum() if constant.kind == "true" else Falsum()
        return self._atom()

    def _quantified(self, kind: type[ForAll] | type[Exists]) -> Formula:
        variables = self._quantified_variables()
        before = len(self.bound)
        self.bound += [token.text for token in variables if token.kind == NAME]
        if self.take(":"):
            body = self.formula()
        else:
            start, names = self.index, set(self.bound[before:])
            self.depth += 1
            self._shallow(0)
            body = self._unary()
            self.depth -= 1
            if self._used_further_on(names):
                self.index = start
                body = self.formula()
        del self.bound[before:]
        try:
            return kind(tuple(Variable(text_of(token)) for token in variables), body)
        except InvalidInput as error:
            raise self.error(error.problem, error.remedy, variables[0]) from None

    def _quantified_variables(self) -> list[Token]:
        remedy = "Write 'forall x: ...' or 'forall x, y: ...'."
        variables = [self._variable(remedy)]
        while True:
            comma = self.take(",")
            more = self.token.kind in {NAME, MARKED} and self.following.kind in {
                ":",
                ",",
                NAME,
                "(",
            }
            if comma or (more and self.following.kind != "(" and not self.free):
                variables.append(self._variable(remedy))
            else:
                return variables

    def _variable(self, remedy: str) -> Token:
        token = self.take(NAME, MARKED)
        if token is None:
            raise self.error(f"a variable is expected, and {self.token} was found.", remedy)
        return token

    def _used_further_on(self, names: set[str]) -> bool:
        """Whether one of the names is used again before the group around us ends."""
        depth, quantifying = 0, False
        for token in self.tokens[self.index :]:
            depth += (token.kind == "(") - (token.kind == ")")
            if depth < 0 or token.kind in ENDS or (depth == 0 and token.kind in {",", "<-"}):
                return False
            if quantifying and token.text in names:
                names = names - {token.text}
            elif token.kind == NAME and token.text in names:
                return True
            quantifying = token.kind in {"forall", "exists"}
        return False

    def _atom(self) -> Formula:
        token = self.token
        if token.kind == TEXT and not text_of(token):
            raise self.error("this has no name.", "Write a name between the quotes.")
        if token.kind in {NAME, TEXT}:
            if self.following.kind == "(":
                self.index += 2
                return self._applied(text_of(token))
            if self.following.kind not in _RELATIONS:
                self.index += 1
                return Atom(text_of(token))
        elif token.kind not in {NUMBER, MARKED, "-"}:
            raise self.error(
                f"a formula is expected, and {token} was found.",
                "Write an atom such as bird(x), a negation !bird(x), or (a & b).",
            )
        return self._relation(self.term())

    def _applied(self, predicate: str) -> Atom:
        terms = [self.term()]
        while self.take(","):
            terms.append(self.term())
        self.expect(")", "',' or ')'", "Separate terms with commas.")
        return Atom(predicate, tuple(terms))

    def _relation(self, left: Term) -> Formula:
        operator = self.take(*_RELATIONS)
        if operator is None:
            raise self.error(
                f"a relation is expected after '{left}', and {self.token} was found.",
                "Compare terms with = != < <= > >= or write 'z is x + y'.",
            )
        right = self.term()
        sign = self.take("+", "-", "*")
        if sign:
            return self._arithmetic(left, operator, right, sign)
        if operator.kind in {">", ">="}:
            return Atom("<" if operator.kind == ">" else "<=", (right, left))
        return Atom("=" if operator.kind == "is" else operator.kind, (left, right))

    def _arithmetic(self, left: Term, operator: Token, first: Term, sign: Token) -> Atom:
        second = self.term()
        if operator.kind != "is" or self.token.kind in {"+", "-", "*"}:
            raise self.error(
                "arithmetic stands in 'z is x + y', with one operation.",
                "Give each intermediate result a variable: 's is x + y, z is s + w'.",
                operator,
            )
        if sign.kind == "*":
            return Atom("product", (first, second, left))
        if sign.kind == "+":
            return Atom("sum", (first, second, left))
        # left = first - second says that left + second = first.
        return Atom("sum", (left, second, first))

    def term(self) -> Term:
        """A variable or a constant."""
        token = self.take(NAME, TEXT, NUMBER, MARKED, "-")
        if token is None:
            raise self.error(
                f"a term is expected, and {self.token} was found.",
                "Terms are variables (x), constants (Anna, 7) and quoted texts.",
            )
        if token.kind == NAME and self.token.kind == "(":
            raise self.error(
                "functions are not part of the language.",
                "Name the value with a variable and say how they are related: father(x, y).",
                token,
            )
        if token.kind == "-":
            number = self.expect(NUMBER, "a number", "Write -1, or 'z is x - y'.")
            return self._number(number, sign=-1)
        if token.kind == NUMBER:
            return self._number(token, sign=1)
        return self._named(token)

    def _number(self, token: Token, sign: int) -> Constant:
        if len(token.text) > MOST_DIGITS:
            raise self.error(f"a number has more than {MOST_DIGITS} digits.", "Shorten it.", token)
        if token.text.isdecimal():
            return Constant(sign * int(token.text))
        if self.free and sign > 0:
            return Constant(token.text)
        raise self.error(
            f"{token.text} is not an integer.",
            f'Constants are integers or names: "{token.text}".',
            token,
        )

    def _named(self, token: Token) -> Term:
        name = text_of(token)
        if token.kind == TEXT:
            if not name:
                raise self.error("this has no name.", "Write a name between the quotes.", token)
            return Constant(name)
        if token.kind == MARKED or name in self.bound:
            return Variable(name)
        if self.free or name in self.declared or not is_variable_name(name):
            return Constant(name)
        return Variable(name)


def text_of(token: Token) -> str:
    """What a token names: without the quotes of a text and without the mark of a variable."""
    if token.kind == MARKED:
        return token.text[1:]
    if token.kind != TEXT:
        return token.text
    return _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], token.text[1:-1])
