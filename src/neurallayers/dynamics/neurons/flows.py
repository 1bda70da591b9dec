r"""Closed forms of how a membrane moves over a time: linear, quadratic and exponential.

Each is the solution of dv/dt = f(v) with the rest of the neuron held, written so that a compiler
makes vectors of it: rational functions in place of hyperbolic ones, no branches, and few divisions,
which cost most. A model's step is composed of them.

Units: mV, ms, pA, nS, pF; a time h [ms] is the length of a step or of a part of it.
"""

from __future__ import annotations

from typing import Any

from neurallayers.dynamics.arithmetic import equation, exp, log, maximum, minimum, where


@equation
def brief_decay(y: Any) -> Any:
    """exp(-y) for y below one, by its series: the error is below y⁵ / 120."""
    return 1.0 - y * (1.0 - y * (0.5 - y * (1.0 / 6.0 - y * (1.0 / 24.0))))


@equation
def linear_gain(total: Any, scale: Any) -> Any:
    r"""The way that a leaky membrane goes in a time, for each pA that drives it [mV/pA].

    .. math:: (1 - e^{-y}) / g, \qquad y = g h / C

    so that v + (I - g v) gain is the solution of C dv/dt = I - g v after h. The exponential is its
    Padé approximant [6/6]: the error of 1 - exp(-y) is below 1e-13 up to y = 1, 3e-10 up to 2 and
    3e-7 up to 4. For longer times the gain stays positive and below 1 / g, so that a potential
    never overshoots where it tends to.

    Args:
        total: g, all conductances [nS]; it may be zero.
        scale: h / C [ms/pF].
    """
    x = 0.5 * scale * total
    square = x * x
    even = 10395.0 + square * (4725.0 + square * (210.0 + square))
    odd = 10395.0 + square * (1260.0 + square * 21.0)
    return scale * odd / (even + x * odd)


# ------------------------------------------------------------------------------------ quadratic


@equation
def quadratic_flow(v: Any, square: Any, linear: Any, constant: Any, h: Any) -> tuple[Any, Any]:
    r"""The solution of the Riccati equation dv/dt = square v² + linear v + constant after h.

    .. math::
        v(h) = v + \frac{\dot v\, T}{1 - (\alpha v + \beta / 2)\, T}, \qquad
        T = \tanh(\sqrt q\, h) / \sqrt q, \quad q = \beta^2 / 4 - \alpha\gamma

    with tan for tanh where q is negative. Both are one function of q h², Lambert's continued
    fraction, here to its fifth term: the relative error of T is below 2e-9 for q h² between -1 and
    1, and below 4e-6 between -2.3 and 6.

    Returns:
        v(h), and a number that is positive as long as v has not passed through infinity.
    """
    derivative = constant + v * (linear + v * square)
    y = (0.25 * linear * linear - square * constant) * h * h
    above = h * (10395.0 + y * (1260.0 + y * 21.0))
    below = 10395.0 + y * (4725.0 + y * (210.0 + y))
    rest = below - (0.5 * linear + square * v) * above
    passed = minimum(below, rest)
    return v + derivative * above / where(passed > 0.0, rest, 1.0), passed


@equation
def quadratic_upswing(
    v: Any, square: Any, linear: Any, constant: Any, h: Any, peak: Any
) -> tuple[Any, Any]:
    r"""The flow above as far as ``peak``, and when it arrives there.

    It arrives when T has grown to :math:`(p - v) / (\dot v + (p - v)(\alpha v + \beta / 2))`; the
    time is the inverse of the function above, Gauss's continued fraction of artanh and arctan to
    its sixth term: the relative error is below 3e-9 for q T² between -0.2 and 0.2 and below 1e-5
    between -1 and 0.5.

    Returns:
        The potential after h, at most the peak; the time of arrival [ms], a very long one where
        there is none. Times are valid within a quarter of a period, 1.5 / sqrt(-q).
    """
    free, passed = quadratic_flow(v, square, linear, constant, h)
    way = peak - v
    derivative = constant + v * (linear + v * square)
    speed = derivative + way * (0.5 * linear + square * v)
    comes = speed > 1e-6
    speed = where(comes, speed, 1.0)
    # The fraction in y = q (way / speed)², with numerator and denominator times speed^6.
    u = speed * speed
    y = (0.25 * linear * linear - square * constant) * way * way
    y = minimum(maximum(y, -20.0 * u), 0.95 * u)
    above = 135135.0 * u * u * u - y * (173250.0 * u * u - y * (53487.0 * u - 2304.0 * y))
    below = 135135.0 * u * u * u - y * (218295.0 * u * u - y * (99225.0 * u - 11025.0 * y))
    arrival = where(comes, maximum(way * above / (speed * below), 0.0), 1e9)
    arrival = where(passed > 0.0, arrival, minimum(arrival, h))
    return where(arrival <= h, peak, minimum(free, peak)), arrival


# ---------------------------------------------------------------------------------- exponential


@equation
def exponential_flow(
    v: Any, drive: Any, total: Any, h: Any, m: tuple[Any, Any, Any, Any, Any, Any, Any]
) -> tuple[Any, Any, Any]:
    r"""A membrane with an exponential upswing over a time h, and when it arrives at its peak.

    .. math:: C \dot v = I - g\,v + g_L \Delta_T\, e^{(v - V_T) / \Delta_T}

    The linear part moves the potential for half the time, the exponential for all of it, the linear
    for the other half; each flow is exact. The composition is of second order (Strang 1968, SIAM J.
    Numer. Anal. 5:506), and stays accurate in the upswing, where z = exp(-(v - V_T) / \Delta_T)
    falls to zero on a straight line. With the linear part held at its mean over that fall, z obeys
    dz/dt = -\varphi z - g_L / C, which gives the time of arrival.

    Args:
        v: Potential [mV].
        drive: Everything but the two terms above: injected, leak and adaptation current [pA].
        total: Leak and synaptic conductance [nS].
        h: Time [ms].
        m: 1 / C [1/pF], V_T [mV], \Delta_T [mV], 1 / \Delta_T [1/mV], g_L / C [1/ms], peak [mV],
            z at the peak.

    Returns:
        The potential after h (at most the peak), its mean over h, and the time of arrival [ms].
    """
    inverse_capacitance, threshold, slope, steepness, rate, peak, lowest = m
    gain = linear_gain(total, 0.5 * h * inverse_capacitance)
    begun = v + (drive - total * v) * gain
    growth = exp((begun - threshold) * steepness)
    share = rate * h * growth
    left = maximum(1.0 - share, growth * lowest)
    swing = -log(left)
    swung = begun + slope * swing
    after = minimum(swung + (drive - total * swung) * gain, peak)
    # Mean of -log(1 - share s) over s from 0 to 1; where the quotient loses digits, its series.
    inverse_growth = 1.0 / growth
    series = share * (0.5 + share * (1.0 / 6.0 + share * (1.0 / 12.0 + share * 0.05)))
    swinging = where(share < 0.1, series, 1.0 - left * swing * inverse_growth / (rate * h))
    mean = 0.5 * (v + begun + after - swung) + slope * swinging
    # The mean of the potential over the fall of z, weighted by z, is half a slope above v.
    pull = (drive - total * (v + 0.5 * slope)) * inverse_capacitance * steepness
    way = inverse_growth * brief_decay((v - begun) * steepness) - lowest
    fall = rate + pull * lowest
    # The time is log(1 + y) / pull with y = pull way / fall; log(1 + y) = 2 artanh(y / (2 + y)).
    pulled = minimum(maximum(pull * way, -0.75 * fall), 3.0 * fall)
    inverse = 1.0 / (2.0 * fall + pulled)
    s = pulled * inverse
    q = s * s
    r = q * q
    low = (1.0 + 1.0 / 3.0 * q) + r * (0.2 + 1.0 / 7.0 * q)
    artanh = low + (r * r) * (1.0 / 9.0 + 1.0 / 11.0 * q)
    return after, mean, maximum(2.0 * way * inverse * artanh, 0.0)
