"""The innermost compiled loops: a row of neurons, one step.

Each is a function of few arrays on purpose. A compiler gives up on vectors where it would have to
rule out more than eight overlaps between arrays, and it does so silently. For the same reason one
loop reads and writes main memory where it can (so that both are under way at once), and variants of
reset are factors (1 or 0), not branches, each of which would double what is compiled.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurallayers.dynamics.kernels.compiler import Array, narrow, row_kernel, widen

# What neurons compute.
INTEGRATOR, LIF, ADAPTIVE_LIF = 0, 1, 2
# Shapes of surrogate derivatives, of the distance d to the threshold, with slope k and height h:
# h / (1 + k|d|)^2, h / (1 + (k d)^2), h max(0, 1 - k|d|), h.
PEAK, BELL, TRIANGLE, CONSTANT = 0, 1, 2, 3


# What stands where in the numbers that all neurons of a layer share.
THRESHOLD = 0
SUBTRACTED = 1  # from a potential that fired
SPARED = 2  # factor of a potential that fired: 1, or 0 to return to rest
SLOPE = 3
HEIGHT = 4
# A spike moves the potential after the reset by -(constant + linear potential); both are zero where
# no gradient flows through the reset.
RESET_CONSTANT, RESET_LINEAR = 5, 6
RISE, RHO, GAIN = 7, 8, 9  # of the threshold with adaptation; of the adaptation with time and spike


@row_kernel
def fill(value: Any, out: Array) -> None:
    """Out = value."""
    for j in range(out.size):
        out[j] = value


@row_kernel
def fill_decay(first: int, decay: Array, kept: Array) -> None:
    """Decay of neurons first, first + 1, ... counted over the whole batch."""
    neuron = first % decay.size
    for j in range(kept.size):
        kept[j] = decay[neuron]
        neuron += 1
        if neuron == decay.size:
            neuron = 0


@row_kernel
def integrate(x: Array, kept: Array, v: Array, out: Array) -> None:
    """V = out = kept v + (1 - kept) x, as leaky integrators do."""
    one = v.dtype.type(1)
    for j in range(v.size):
        potential = kept[j] * v[j] + (one - kept[j]) * widen(x[j])
        out[j] = narrow(potential, out)
        v[j] = potential


@row_kernel
def fire(x: Array, kept: Array, v: Array, level: Array, numbers: Array, out: Array) -> None:
    """Integrate, fire and reset; spikes go to ``out``."""
    one, zero = v.dtype.type(1), v.dtype.type(0)
    spike, silence = narrow(one, out), narrow(zero, out)
    subtracted, spared = numbers[SUBTRACTED], numbers[SPARED]
    for j in range(v.size):
        potential = kept[j] * v[j] + (one - kept[j]) * widen(x[j])
        fired = potential >= level[j]
        out[j] = spike if fired else silence
        v[j] = potential * (spared if fired else one) - (subtracted if fired else zero)


@row_kernel
def trace(x: Array, kept: Array, v: Array, level: Array, numbers: Array, out: Array) -> None:
    """Integrate, fire and reset; potentials before the reset go to ``out``."""
    one, zero = v.dtype.type(1), v.dtype.type(0)
    subtracted, spared = numbers[SUBTRACTED], numbers[SPARED]
    for j in range(v.size):
        potential = kept[j] * v[j] + (one - kept[j]) * widen(x[j])
        fired = potential >= level[j]
        out[j] = potential
        v[j] = potential * (spared if fired else one) - (subtracted if fired else zero)


@row_kernel
def write_spikes(potential: Array, level: Array, out: Array) -> None:
    """1 where the potential has reached its threshold, 0 elsewhere."""
    spike = narrow(potential.dtype.type(1), out)
    silence = narrow(potential.dtype.type(0), out)
    for j in range(potential.size):
        out[j] = spike if potential[j] >= level[j] else silence


@row_kernel
def after_reset(potential: Array, level: Array, numbers: Array, v: Array) -> None:
    """The potential after those that fired were reset."""
    one, zero = v.dtype.type(1), v.dtype.type(0)
    subtracted, spared = numbers[SUBTRACTED], numbers[SPARED]
    for j in range(v.size):
        fired = potential[j] >= level[j]
        v[j] = potential[j] * (spared if fired else one) - (subtracted if fired else zero)


@row_kernel
def adapt(potential: Array, level: Array, numbers: Array, a: Array) -> None:
    """A = rho a + gain spikes."""
    zero, rho, gain = a.dtype.type(0), numbers[RHO], numbers[GAIN]
    for j in range(a.size):
        a[j] = rho * a[j] + (gain if potential[j] >= level[j] else zero)


@row_kernel
def raise_level(a: Array, numbers: Array, level: Array) -> None:
    """Level = threshold + rise a."""
    threshold, rise = numbers[THRESHOLD], numbers[RISE]
    for j in range(a.size):
        level[j] = threshold + rise * a[j]


@row_kernel
def derivative(shape: int, slope: Any, height: Any, one: Any, distance: Any) -> Any:
    """The surrogate derivative; the formulas stand in surrogate.py."""
    if shape == PEAK:
        width = one + slope * abs(distance)
        return height / (width * width)
    if shape == BELL:
        width = slope * distance
        return height / (one + width * width)
    if shape == TRIANGLE:
        rest = one - slope * abs(distance)
        return height * (rest if rest > one - one else one - one)
    return height


@row_kernel
def back(
    potential: Array,
    threshold: Any,
    shape: int,
    numbers: Array,
    grad_spikes: Array,
    grad_v: Array,
    kept: Array,
    grad_x: Array,
) -> None:
    """One step back through reset, spike and integration.

    ``grad_v`` comes with the gradient of the potential after the reset and leaves with that of the
    potential before it.
    """
    one = grad_v.dtype.type(1)
    slope, height, spared = numbers[SLOPE], numbers[HEIGHT], numbers[SPARED]
    constant, linear = numbers[RESET_CONSTANT], numbers[RESET_LINEAR]
    for j in range(grad_v.size):
        distance = potential[j] - threshold
        carried = grad_v[j]
        spike = widen(grad_spikes[j]) - carried * (constant + linear * potential[j])
        grad = carried * (spared if distance >= 0 else one)
        grad += spike * derivative(shape, slope, height, one, distance)
        grad_x[j] = narrow(grad * (one - kept[j]), grad_x)
        grad_v[j] = grad


@row_kernel
def adaptive_back(
    potential: Array,
    level: Array,
    shape: int,
    numbers: Array,
    spikes: Array,
    grad_v: Array,
    grad_a: Array,
    distance: Array,
) -> None:
    """One step back through adaptation and threshold.

    ``spikes`` comes with the gradient of the spikes and leaves with that of the distance, which is
    written to ``distance``; ``grad_a`` goes from the adaptation after the step to that before it.
    """
    one, slope, height = grad_v.dtype.type(1), numbers[SLOPE], numbers[HEIGHT]
    constant, linear = numbers[RESET_CONSTANT], numbers[RESET_LINEAR]
    rise, rho, gain = numbers[RISE], numbers[RHO], numbers[GAIN]
    for j in range(spikes.size):
        spikes[j] -= grad_v[j] * (constant + linear * potential[j])
    for j in range(spikes.size):
        distance[j] = potential[j] - level[j]
    for j in range(spikes.size):
        grad = spikes[j] + gain * grad_a[j]
        spikes[j] = grad * derivative(shape, slope, height, one, distance[j])
    for j in range(spikes.size):
        grad_a[j] = rho * grad_a[j] - rise * spikes[j]


@row_kernel
def without_spike(numbers: Array) -> Array:
    """Numbers for a step back whose spike was gone through before."""
    plain = np.empty(numbers.size, numbers.dtype)
    load(numbers, plain)
    plain[HEIGHT] = 1
    plain[RESET_CONSTANT] = 0
    plain[RESET_LINEAR] = 0
    return plain


@row_kernel
def add_decay_gradient(grad: Array, v: Array, x: Array, out: Array) -> None:
    """Out = out + grad (v - x), the derivative of kept v + (1 - kept) x by kept."""
    for j in range(out.size):
        out[j] = out[j] + grad[j] * (v[j] - widen(x[j]))


@row_kernel
def add_input_gradient(grad: Array, kept: Array, out: Array) -> None:
    """Out = out + (1 - kept) grad."""
    one = out.dtype.type(1)
    for j in range(out.size):
        out[j] = out[j] + grad[j] * (one - kept[j])


@row_kernel
def multiply(a: Array, out: Array) -> None:
    """Out = a out."""
    for j in range(out.size):
        out[j] = out[j] * a[j]


@row_kernel
def add_scaled(a: Array, scale: Any, out: Array) -> None:
    """Out = out + scale a."""
    for j in range(out.size):
        out[j] = out[j] + scale * widen(a[j])


@row_kernel
def load(stored: Array, out: Array) -> None:
    """Out = stored."""
    for j in range(out.size):
        out[j] = widen(stored[j])


@row_kernel
def store(row: Array, out: Array) -> None:
    """Out = row, rounded."""
    for j in range(row.size):
        out[j] = narrow(row[j], out)


@row_kernel
def who_fired(potential: Array, level: Array, fired: Array) -> int:
    """Write down who reached the threshold, in ascending order, and count them."""
    count = 0
    for j in range(potential.size):
        fired[count] = j
        count += potential[j] >= level[j]
    return count


@row_kernel
def add_four(first: Array, second: Array, third: Array, fourth: Array, out: Array) -> None:
    """Out = (((out + first) + second) + third) + fourth."""
    for j in range(out.size):
        out[j] = (((out[j] + first[j]) + second[j]) + third[j]) + fourth[j]


@row_kernel
def gather(senders: Array, fired: Array, out: Array) -> None:
    """Out = the sum of the rows of those that fired, one after the other.

    Four at a time, which does not change the order in which numbers are added.
    """
    fill(out.dtype.type(0), out)
    full = fired.size // 4 * 4
    for i in range(0, full, 4):
        first, second = senders[fired[i]], senders[fired[i + 1]]
        third, fourth = senders[fired[i + 2]], senders[fired[i + 3]]
        add_four(first, second, third, fourth, out)
    for i in range(full, fired.size):
        add_scaled(senders[fired[i]], out.dtype.type(1), out)


@row_kernel
def weigh(senders: Array, spikes: Array, out: Array) -> None:
    """Out = the same for spikes of any value, as a caller may hand in."""
    fill(out.dtype.type(0), out)
    for k in range(spikes.size):
        if spikes[k] != 0:
            add_scaled(senders[k], spikes[k], out)


@row_kernel
def retrace_chunk(
    frames: Array,
    stride: int,
    kept: Array,
    v: Array,
    a: Array,
    numbers: Array,
    potentials: Array,
    levels: Array,
    moving: bool,
) -> None:
    """All steps of a chunk again, for the potentials before the reset and the thresholds.

    Thresholds that do not move have one row.
    """
    for t in range(potentials.shape[0]):
        level = levels[t if moving else 0, : v.size]
        if moving:
            raise_level(a, numbers, level)
        potential = potentials[t, : v.size]
        trace(frames[t * stride : t * stride + v.size], kept, v, level, numbers, potential)
        if moving:
            adapt(potential, level, numbers, a)
