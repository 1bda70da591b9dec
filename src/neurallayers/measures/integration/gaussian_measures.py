r"""How a Gaussian process is more than its parts: one function for each measure.

The whole is x (past) and y (present); a partition divides the channels into parts, of which part i
is :math:`x_i, y_i`. All values are in nats, and none changes if the channels of a part are rescaled
or mixed with each other.

=======================  ======================================================================
measure                  what is compared
=======================  ======================================================================
mutual_information       p(x, y) with independent parts: :math:`\sum_i H(x_i, y_i) - H(x, y)`
stochastic_interaction   :math:`\sum_i H(y_i | x_i) - H(y | x)`
whole_minus_sum          :math:`I(x; y) - \sum_i I(x_i; y_i)`, may be negative
phi_r                    whole_minus_sum + the redundancy :math:`\min_{ij} I(x_i; y_j)`
phi_star                 :math:`I(x; y) - I^*(x; y)`, decoding that ignores what crosses
phi_g                    the nearest process in which nothing crosses in time
=======================  ======================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from neurallayers.measures.integration.gaussian_covariance import LaggedCovariance

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
Partition = Sequence[Sequence[int]]
Measure = Callable[[LaggedCovariance, Partition], float]

_GENERALIZED_LEAST_SQUARES_STEPS = 10_000
_NEWTON_STEPS = 1_000


def time_delayed_information(
    process: LaggedCovariance,
    sources: Sequence[int] | None = None,
    targets: Sequence[int] | None = None,
) -> float:
    r"""Mutual information between the past of some channels and the present of some [nats].

    .. math:: I(x; y) = \tfrac12 \log \frac{|\Sigma_x|\,|\Sigma_y|}{|\Sigma_{xy}|}

    Source: Cover & Thomas (2006), Elements of Information Theory, theorem 8.4.1.

    >>> process = LaggedCovariance([[1.0]], [[0.5]])
    >>> round(time_delayed_information(process), 9)  # -log(1 - 0.25) / 2
    0.143841036
    """
    every = range(process.channels)
    x, y = list(every if sources is None else sources), list(every if targets is None else targets)
    return 0.5 * (
        _log_determinant(process.present[np.ix_(y, y)]) - _log_determinant(_residual(process, y, x))
    )


def mutual_information(process: LaggedCovariance, partition: Partition) -> float:
    r"""Information between the parts, past and present together [nats].

    .. math:: \sum_i H(x_i, y_i) - H(x, y)

    Zero only if no part has to do with another at the same time or later. Source: Oizumi, Tsuchiya
    & Amari (2016), PNAS 113:14817, the fully disconnected model.

    >>> mutual_information(LaggedCovariance(np.eye(2), 0.5 * np.eye(2)), [[0], [1]])
    0.0
    """
    parts = sum(_log_determinant(_joint(process, part)) for part in partition)
    whole = _log_determinant(_joint(process, range(process.channels)))
    return max(0.0, 0.5 * (parts - whole))


def stochastic_interaction(process: LaggedCovariance, partition: Partition) -> float:
    r"""What the present of the parts shares beyond what each knows from its own past [nats].

    .. math:: \sum_i H(y_i | x_i) - H(y | x)

    Counts noise that the parts share as integration. Source: Ay (2015), Entropy 17:2432; Barrett &
    Seth (2011), PLoS Comput. Biol. 7:e1001052.
    """
    parts = sum(_log_determinant(_residual(process, part, part)) for part in partition)
    every = range(process.channels)
    return max(0.0, 0.5 * (parts - _log_determinant(_residual(process, every, every))))


def whole_minus_sum(process: LaggedCovariance, partition: Partition) -> float:
    r"""Information of the past about the present, beyond the sum over the parts [nats].

    .. math:: \varphi_E = I(x; y) - \sum_i I(x_i; y_i)

    With residuals of linear regressions it is :math:`\varphi_{AR}`; for Gaussian processes they are
    the same. May be negative: what the parts know redundantly is counted once in the whole and
    once for each part.

    Source: Barrett & Seth (2011), PLoS Comput. Biol. 7:e1001052, phi_E and phi_AR.
    """
    parts = sum(time_delayed_information(process, part, part) for part in partition)
    return time_delayed_information(process) - parts


def phi_r(process: LaggedCovariance, partition: Partition) -> float:
    r"""Whole-minus-sum information, corrected for redundancy [nats].

    .. math:: \varphi_R = \varphi_{WMS} + \min_{ij} I(x_i; y_j)

    The redundancy is the smallest information that a part's past has about a part's present
    ("minimum mutual information" double redundancy), so that two copies of one channel are no
    longer negative.

    Source: Mediano, Rosas, Luppi, Carhart-Harris, Bor, Seth & Barrett (2021), "Towards an extended
    taxonomy of information dynamics via Integrated Information Decomposition", arXiv:2109.13186.
    """
    redundancy = min(
        time_delayed_information(process, source, target)
        for source in partition
        for target in partition
    )
    return whole_minus_sum(process, partition) + max(0.0, redundancy)


def phi_star(process: LaggedCovariance, partition: Partition) -> float:
    r"""Information that is lost if the past is decoded as if nothing crossed the parts [nats].

    .. math:: \Phi^* = I(x; y) - \max_\beta \tilde I(\beta), \qquad
              \tilde I(\beta) = \Big\langle \log \frac{q(y|x)^\beta}
              {\int p(x')\,q(y|x')^\beta\,dx'} \Big\rangle_{p(x, y)}, \qquad
              q(y|x) = \prod_i p(y_i | x_i)

    From 0 (parts that are independent of each other) to I(x; y); noise that parts share counts.
    See :func:`mismatched_information` for
    the maximum.

    Source: Oizumi, Amari, Yanagawa, Fujii & Tsuchiya (2016), PLoS Comput. Biol. 12:e1004654.
    """
    return max(
        0.0, time_delayed_information(process) - mismatched_information(process, partition)[0]
    )


def mismatched_information(process: LaggedCovariance, partition: Partition) -> tuple[float, float]:
    r"""The most that a decoder which knows the parts only can learn, and the :math:`\beta` of it.

    With :math:`A` and :math:`\Sigma_D` the coefficients and the residual covariance of the parts
    (both block diagonal), :math:`s_k, u_k` the eigenvalues and eigenvectors of
    :math:`S = \Sigma_D^{-1/2} A \Sigma_x A^T \Sigma_D^{-1/2}` and
    :math:`t_k = u_k^T \Sigma_D^{-1/2} \Sigma_y \Sigma_D^{-1/2} u_k`, the Gaussian integrals give

    .. math:: \tilde I(\beta) = \tfrac12 \sum_k \Big[ \log(1 + \beta s_k) +
              \frac{\beta t_k}{1 + \beta s_k} - \beta \Big]

    Its derivative is convex and falls strictly, from :math:`\mathrm{tr}\,S \ge 0` at 0 to less than
    0. The maximum is its one root, and Newton's iteration from 0 climbs to that root without
    stepping over it: no bound on :math:`\beta` cuts it off.

    Returns:
        The information [nats] and :math:`\beta`; 1 for beta if the parts know nothing (then any
        beta gives 0).
    """
    carried, whitener = np.zeros_like(process.past), np.zeros_like(process.past)
    for part in partition:
        index = np.asarray(part)
        block = (index[:, None], index)
        coefficients = _coefficients(process, part, part)
        noise = process.present[block] - coefficients @ process.cross[block].T
        whitener[block] = np.linalg.inv(np.linalg.cholesky((noise + noise.T) / 2.0))
        carried[block] = whitener[block] @ coefficients
    known, directions = np.linalg.eigh(carried @ process.past @ carried.T)
    turned = directions.T @ whitener
    weights = np.sum((turned @ process.present) * turned, axis=1)
    known = np.maximum(known, 0.0)
    if known.max() < 1e-14:
        return 0.0, 1.0
    beta = _root(known, weights)
    scaled = 1.0 + beta * known
    return float(0.5 * np.sum(np.log(scaled) + beta * weights / scaled - beta)), beta


def _root(known: Array, weights: Array) -> float:
    """Where the sum of s / (1 + beta s) + t / (1 + beta s)^2 - 1 is zero."""
    beta = 0.0
    for _ in range(_NEWTON_STEPS):
        shrink = 1.0 / (1.0 + beta * known)
        value = float(np.sum(known * shrink + weights * shrink**2 - 1.0))
        slope = -float(np.sum((known * shrink) ** 2 + 2.0 * weights * known * shrink**3))
        step = -value / slope
        # A step back is rounding: exact ones only ever go forward.
        if step <= 1e-15 * beta:
            break
        beta += step
    return beta


def phi_g(process: LaggedCovariance, partition: Partition) -> float:
    r"""Distance to the nearest process in which no part affects another over time [nats].

    .. math:: \Phi_G = \min_{A'} \tfrac12 \log
              \frac{|\Sigma_e + (A - A') \Sigma_x (A - A')^T|}{|\Sigma_e|}

    over the block-diagonal :math:`A'`, with :math:`\Sigma_e` the residual covariance and :math:`A`
    the coefficients of the whole; noise that parts share is no integration. Solved by generalised
    least squares, which is repeated until the residual covariance stays: each step lowers the
    determinant, and the last differs from the one before by less than 1e-13.

    Source: Oizumi, Tsuchiya & Amari (2016), PNAS 113:14817, the Gaussian case.
    """
    every = range(process.channels)
    residual = _residual(process, every, every)
    coefficients = _coefficients(process, every, every)
    allowed = np.zeros_like(residual, dtype=bool)
    for part in partition:
        allowed[_block(part, part)] = True
    rows, columns = np.nonzero(allowed)
    error, before = residual, np.inf
    for _ in range(_GENERALIZED_LEAST_SQUARES_STEPS):
        precision = np.linalg.inv(error)
        # Normal equations of tr(P (A - A') X (A - A')^T) for the entries of A' that are allowed.
        normal = precision[_block(rows, rows)] * process.past[_block(columns, columns)]
        wanted = (precision @ coefficients @ process.past)[rows, columns]
        within = np.zeros_like(coefficients)
        within[rows, columns] = np.linalg.solve(normal, wanted)
        missed = coefficients - within
        error = residual + missed @ process.past @ missed.T
        now = _log_determinant(error)
        if before - now < 1e-13:
            break
        before = now
    return max(0.0, 0.5 * (_log_determinant(error) - _log_determinant(residual)))


def _joint(process: LaggedCovariance, part: Sequence[int]) -> Array:
    index = _block(part, part)
    between = process.cross[index]
    return np.block([[process.past[index], between.T], [between, process.present[index]]])


def _coefficients(
    process: LaggedCovariance, targets: Sequence[int], sources: Sequence[int]
) -> Array:
    past, cross = process.past[_block(sources, sources)], process.cross[_block(targets, sources)]
    return np.asarray(np.linalg.solve(past, cross.T).T, dtype=np.float64)


def _residual(process: LaggedCovariance, targets: Sequence[int], sources: Sequence[int]) -> Array:
    cross = process.cross[_block(targets, sources)]
    left = process.present[_block(targets, targets)]
    left = left - _coefficients(process, targets, sources) @ cross.T
    return np.asarray((left + left.T) / 2.0)


def _block(
    rows: Sequence[int] | IntArray, columns: Sequence[int] | IntArray
) -> tuple[IntArray, IntArray]:
    """Indexes what the rows have to do with the columns."""
    return np.asarray(rows)[:, None], np.asarray(columns)


def _log_determinant(matrix: Array) -> float:
    return float(np.linalg.slogdet(matrix)[1])


MEASURES: dict[str, Measure] = {
    "mutual_information": mutual_information,
    "phi_g": phi_g,
    "phi_r": phi_r,
    "phi_star": phi_star,
    "stochastic_interaction": stochastic_interaction,
    "whole_minus_sum": whole_minus_sum,
}
