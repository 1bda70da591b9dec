r"""How memories fade, and how coming back to them at the right time makes them last.

**Retention** is the share of a memory that can still be reached:

.. math:: R(t, S) = \left(1 + \frac{t}{\ell S}\right)^{-\psi}

with the time :math:`t` since it was last stored or recalled, its strength :math:`S` and the
lifetime :math:`\ell` of a memory of strength one. A power law describes forgetting from seconds to
years better than an exponential does (Wixted & Ebbesen 1991, Psychol. Sci. 2:409; this form, which
is 1 at :math:`t = 0`: Wickelgren 1974, Mem. Cogn. 2:775, without its interference term); for
Ebbinghaus' savings see :func:`ebbinghaus_savings`.

**Strengthening** is larger the more has faded, which is why spaced repetition lasts longer than
massed (Bjork & Bjork 1992, A new theory of disuse; storage strength grows the less retrievable the
memory is):

.. math:: S \leftarrow S + a \, (1 - R)

Time has the unit of the caller: milliseconds, entries of a journal, days.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput
from neurallayers.memory.keys import checked_number


def retention(
    elapsed: Tensor, strength: Tensor, *, lifetime: float, exponent: float = 0.5
) -> Tensor:
    """The share of a memory that can be reached, 1 (just now) falling to 0; see the module.

    Args:
        elapsed: Time since it was last stored or recalled; what is negative counts as 0.
        strength: Its strength; 0 means that it is gone.
        lifetime: Time scale of a memory of strength one, in the unit of ``elapsed``.
        exponent: Slope of the power law; 0.5 as in Anderson & Schooler (1991), Psychol. Sci. 2:396.

    Raises:
        InvalidInput: If lifetime or exponent are not positive.

    >>> retention(torch.tensor([0.0, 30.0]), torch.tensor([1.0, 1.0]), lifetime=10.0)
    tensor([1.0000, 0.5000])
    """
    lifetime = checked_number("lifetime", lifetime, 0.0, open_=True)
    exponent = checked_number("exponent", exponent, 0.0, open_=True)
    alive = strength > 0
    scale = lifetime * torch.where(alive, strength, 1.0)
    reached = (1.0 + elapsed.clamp(min=0).to(strength) / scale) ** -exponent
    return torch.where(alive, reached, 0.0)


def strengthened(strength: Tensor, retained: Tensor, amount: float | Tensor = 1.0) -> Tensor:
    """The strength after a recall: it gains ``amount`` times what had faded; see the module.

    >>> strengthened(torch.tensor([1.0]), torch.tensor([0.25]))
    tensor([1.7500])
    """
    gained: Tensor = strength + amount * (1.0 - retained)
    return gained


def ebbinghaus_savings(minutes: float) -> float:
    r"""Savings [%] in relearning after so many minutes, as Ebbinghaus fitted his own.

    .. math:: b = \frac{100 \, k}{(\log_{10} t)^c + k}, \qquad k = 1.84, \; c = 1.25

    with the time :math:`t` in minutes counted from one minute before the end of learning, so that
    it is at least 1.

    Source: H. Ebbinghaus (1885), Memory, chapter 7, section 29.

    Raises:
        InvalidInput: If the time is under one minute.

    >>> round(ebbinghaus_savings(19 + 1), 1)
    57.0
    """
    minutes = checked_number("minutes", minutes, 1.0)
    k, c = 1.84, 1.25
    logarithm: float = math.log10(minutes) ** c
    return 100.0 * k / (logarithm + k)


def spaced_strength(
    times: list[float], *, lifetime: float, exponent: float = 0.5, amount: float = 1.0
) -> float:
    """Strength of a memory that was stored at the first time and recalled at the others.

    Raises:
        InvalidInput: If there is no time or they do not rise.

    >>> massed = spaced_strength([0.0, 1.0, 2.0], lifetime=10.0)
    >>> spaced = spaced_strength([0.0, 20.0, 40.0], lifetime=10.0)
    >>> massed < spaced
    True
    """
    if not times or any(late < early for early, late in itertools.pairwise(times)):
        raise InvalidInput(f"The times are {times}.", "Pass at least one, in rising order.")
    strength = torch.ones((), dtype=torch.float64)
    for early, late in itertools.pairwise(times):
        elapsed = torch.tensor(late - early, dtype=torch.float64)
        kept = retention(elapsed, strength, lifetime=lifetime, exponent=exponent)
        strength = strengthened(strength, kept, amount)
    return float(strength)
