r"""Mean, variance and main directions of a stream of vectors, kept without the vectors.

A prototype of :class:`~neurallayers.memory.dreaming.DreamingMemory` stands for :math:`n` vectors by
their mean :math:`\mu`, their squared deviations from it added up dimension by dimension, :math:`s`,
and a few factors :math:`L` (rows) with :math:`L^\top L` close to the whole scatter matrix. When
:math:`k` more vectors :math:`X` with mean :math:`m` come, and :math:`\delta = m - \mu`,

.. math::
    \mu' = \mu + \frac{k}{n + k} \delta, \qquad
    s' = s + \sum_x (x - m)^2 + \frac{n k}{n + k} \delta^2

(Chan, Golub & LeVeque 1983, Am. Stat. 37:242, eq. 1.5: exact), and :math:`L'` are the largest
principal directions of the stacked rows

.. math::
    A = \left[L;\; X - m;\; \sqrt{\tfrac{n k}{n + k}} \, \delta\right], \qquad
    A A^\top = U \Lambda U^\top, \qquad L' = U_R^\top A

(Ross, Lim, Lin & Yang 2008, Int. J. Comput. Vis. 77:125, section 2.1: exact but for what the rank
cuts off). Mean and variances never suffer from the rank.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Moments(NamedTuple):
    """What is kept of the vectors of one prototype."""

    examples: Tensor  # int64 [], how many
    mean: Tensor  # [feature]
    scatter: Tensor  # [feature], squared deviations from the mean, added up
    factors: Tensor  # [rank, feature], their product approximates the scatter matrix


def merged(moments: Moments, vectors: Tensor) -> Moments:
    """The moments after ``vectors`` ``[k, feature]``, one or more, have joined.

    >>> empty = Moments(torch.tensor(0), torch.zeros(1), torch.zeros(1), torch.zeros(1, 1))
    >>> both = merged(merged(empty, torch.tensor([[1.0]])), torch.tensor([[3.0]]))
    >>> both.mean.tolist(), both.scatter.tolist(), both.factors.square().round(decimals=4).tolist()
    ([2.0], [2.0], [[2.0]])
    """
    before, joined = int(moments.examples), len(vectors)
    total = before + joined
    centre = vectors.mean(0)
    step = centre - moments.mean
    deviations = vectors - centre
    weight = before * joined / total
    return Moments(
        examples=moments.examples + joined,
        mean=moments.mean + step * (joined / total),
        scatter=moments.scatter + deviations.square().sum(0) + weight * step.square(),
        factors=main_directions(
            torch.cat([moments.factors, deviations, weight**0.5 * step[None]]),
            moments.factors.shape[0],
        ),
    )


def main_directions(rows: Tensor, rank: int) -> Tensor:
    r"""The ``rank`` rows whose product :math:`R^\top R` is nearest to that of all ``rows``.

    They are orthogonal and ordered, the longest first; each is as long as the singular value. By
    Eckart & Young (1936), Psychometrika 1:211, no others come closer. The small side is solved, so
    this is cheap for few long rows.
    """
    if rank == 0:
        return rows[:0]
    # Sums over long rows: double precision keeps small directions apart from rounding.
    gram = (rows.double() @ rows.double().T).contiguous()
    _, vectors = torch.linalg.eigh(gram)
    kept = vectors.flip(1)[:, :rank].to(rows.dtype).T @ rows
    missing = rank - len(kept)
    return torch.cat([kept, rows.new_zeros(missing, rows.shape[1])]) if missing > 0 else kept
