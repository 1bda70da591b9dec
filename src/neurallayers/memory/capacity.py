r"""How much an associative memory can hold: the theory that measurements are held against.

**Hebb's rule.** In a large network with :math:`M = \alpha N` random patterns, without noise, a
retrieved state has the overlap :math:`m = \mathrm{erf}(y)` with its pattern, where :math:`y > 0` is
the largest root of

.. math::
    \mathrm{erf}(y) = y \left(\sqrt{2 \alpha} + \frac{2}{\sqrt\pi} e^{-y^2}\right)

(Amit, Gutfreund & Sompolinsky 1985, Phys. Rev. Lett. 55:1530; in this form: Hertz, Krogh & Palmer
1991, Introduction to the theory of neural computation, section 2.5). Above
:math:`\alpha_c = 0.138` there is none: memory breaks down at once, from :math:`m = 0.967`.

**Dense networks.** With the energy :math:`-\sum_\mu (\xi^\mu \cdot s)^n`, all patterns are fixed
points without an error up to :func:`polynomial_capacity`, and up to
:math:`2^{N/2}` patterns with an exponential in place of the power (Demircigil et al. 2017, J. Stat.
Phys. 168:288, theorem 3).
"""

from __future__ import annotations

import math

from neurallayers.memory.keys import checked_count, checked_number


def retrieval_overlap(load: float) -> float:
    """Overlap of a retrieved state with its pattern at this load; 0 above the critical one.

    Args:
        load: Patterns per neuron, alpha above.

    Raises:
        InvalidInput: If the load is negative or not finite.

    >>> round(retrieval_overlap(0.1), 4), retrieval_overlap(0.2)
    (0.998, 0.0)
    """
    # scipy.optimize takes long to import, and few ask.
    from scipy import optimize

    load = checked_number("load", load, 0.0)
    if load == 0.0:
        return 1.0
    peak = _largest_load()
    if load > peak[0]:
        return 0.0
    if load == peak[0]:
        return float(math.erf(peak[1]))
    # Beyond the peak the load falls with y and stays under 1 / (2 y²): one root is in between.
    end = 1.0 + 1.0 / math.sqrt(2.0 * load)
    root = optimize.brentq(lambda y: _load_at(y) - load, peak[1], end, xtol=1e-14)
    return float(math.erf(root))


def critical_load() -> float:
    """The largest load at which random patterns are found again, 0.1379 patterns per neuron.

    >>> round(critical_load(), 4)
    0.1379
    """
    return _largest_load()[0]


def polynomial_capacity(neurons: int, degree: int) -> float:
    r"""How many patterns a dense network stores without an error.

    .. math:: M = \frac{N^{n-1}}{2 \, (2n - 3)!! \, \ln N}

    Source: Krotov & Hopfield (2016), Dense associative memory for pattern recognition, NeurIPS,
    eq. 6; for n = 2 it is the N / (2 ln N) of McEliece et al. (1987).

    Args:
        neurons: N.
        degree: n, at least 2.

    Raises:
        InvalidInput: If there are fewer than two neurons or the degree is under 2.

    >>> round(polynomial_capacity(100, 2), 2), round(polynomial_capacity(100, 3))
    (10.86, 362)
    """
    neurons, degree = checked_count("neurons", neurons, 2), checked_count("degree", degree, 2)
    odd = math.prod(range(1, 2 * degree - 2, 2))
    return float(neurons ** (degree - 1)) / (2.0 * odd * math.log(neurons))


def exponential_capacity(neurons: int) -> float:
    """How many patterns a dense network with an exponential energy stores, 2^(N/2).

    >>> exponential_capacity(20)
    1024.0
    """
    return float(2.0 ** (checked_count("neurons", neurons) / 2))


def _load_at(y: float) -> float:
    """The load whose equation has the root y; negative where there is none."""
    root = math.erf(y) / y - 2.0 / math.sqrt(math.pi) * math.exp(-y * y)
    return 0.5 * root * abs(root)


def _largest_load() -> tuple[float, float]:
    """The critical load and the y there."""
    from scipy import optimize

    found = optimize.minimize_scalar(
        lambda y: -_load_at(y), bounds=(0.5, 4.0), method="bounded", options={"xatol": 1e-12}
    )
    return -float(found.fun), float(found.x)
