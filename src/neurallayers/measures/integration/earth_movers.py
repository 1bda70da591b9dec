r"""The earth mover's distance, exact: between distributions of states, and of masses at places.

Between two distributions over the states of k binary nodes, with the Hamming distance as the price
of moving probability, the distance is that of the cheapest flow along the edges of the hypercube,
as the Hamming distance is the shortest way on it. Of one node it is ``|d|``, of two (a cycle of
four states) the sum of ``|F − median(F)|`` over the cumulative differences F, and of more the
network simplex finds it.

It is bounded from below by the sum over nodes of the difference of their
marginals (moving probability between states changes the marginal of a node no faster than it
changes the state), which is exact where the nodes of both distributions are independent.

Sources: Rubner, Tomasi & Guibas (2000), Int J Comput Vis 40:99; Cunningham (1976), Math Program
11:105 (strongly feasible trees, which keep the simplex from cycling); Oizumi, Albantakis & Tononi
(2014), PLoS Comput Biol 10(5):e1003588, Text S2 (its use for repertoires and constellations).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurallayers.measures.integration.compilation import compiled

# A detour must be cheaper by this much (prices are of the order of 1) to be worth a pivot.
CHEAPER = 1e-11


@compiled
def cheapest_flow(
    flow: Any,
    tail: Any,
    head: Any,
    cost: Any,
    parent: Any,
    tree_cost: Any,
    arcs: int,
    potential: Any,
) -> float:
    """Cost of the cheapest flow from where supply is positive to where it is negative.

    The network simplex without capacities. Node 0 is the root of the first tree, in which every
    node comes after its parent; its edges can be used both ways. The tree at the end stands in
    ``parent``, ``tree_cost`` and ``flow``.

    Args:
        flow: What each node gives (positive) or takes (negative), summing to 0, ``[nodes]``; at
            the end what flows between each node and its parent.
        tail: Where each arc begins, ``[arcs]``.
        head: Where it ends.
        cost: Price of a unit of flow along it, not negative.
        parent: The node above each one in the first tree, ``[nodes]``.
        tree_cost: Price of the edge to the parent.
        arcs: How many of the arcs to use.
        potential: Where the price level of each node goes, ``[nodes]``: no arc leads down by more
            than it costs, so that it bounds the cost of every other supply from below too.
    """
    nodes = flow.shape[0]
    upward = np.zeros(nodes, np.bool_)
    potential[0] = 0.0
    seen = np.zeros(nodes, np.int64)
    path = np.empty(nodes, np.int64)
    for node in range(nodes - 1, 0, -1):
        flow[parent[node]] += flow[node]
    for node in range(1, nodes):
        # A tree edge without flow leads to the root: the tree is strongly feasible.
        upward[node] = flow[node] >= 0.0
        flow[node] = abs(flow[node])
        step = tree_cost[node] if upward[node] else -tree_cost[node]
        potential[node] = potential[parent[node]] + step
    block = max(16, int(np.sqrt(arcs)) * 2)
    arc, idle, pivot = 0, 0, 0
    while idle < arcs:
        enters, lowest = -1, -CHEAPER
        for _ in range(min(block, arcs)):
            reduced = cost[arc] - potential[tail[arc]] + potential[head[arc]]
            if reduced < lowest:
                lowest, enters = reduced, arc
            arc = arc + 1 if arc + 1 < arcs else 0
        if enters < 0:
            idle += block
            continue
        idle = 0
        pivot += 1
        _pivot(
            tail[enters],
            head[enters],
            cost[enters],
            lowest,
            (parent, tree_cost, flow, upward, potential, seen, path),
            pivot,
        )
    total = 0.0
    for node in range(1, nodes):
        total += flow[node] * tree_cost[node]
    return total


@compiled
def _pivot(begin: int, end: int, price: float, reduced: float, tree: Any, pivot: int) -> None:
    """Let an arc into the tree, push what flow it can take, and let the blocking edge go."""
    parent, tree_cost, flow, upward, potential, seen, path = tree
    meeting = _meeting(begin, end, parent, seen, pivot)
    # The last edge on the cycle, from the meeting point along the flow, that blocks: this choice
    # keeps every edge without flow pointing to the root, so that no tree comes twice.
    most, leaves, below_begin = np.inf, -1, True
    node = begin
    while node != meeting:
        if upward[node] and flow[node] < most:
            most, leaves = flow[node], node
        node = parent[node]
    node = end
    while node != meeting:
        if not upward[node] and flow[node] <= most:
            most, leaves, below_begin = flow[node], node, False
        node = parent[node]
    _push(begin, meeting, -most, (parent, flow, upward))
    _push(end, meeting, most, (parent, flow, upward))
    # The part of the tree below the leaving edge hangs on the entering arc from now on.
    node, above = (begin, end) if below_begin else (end, begin)
    shift = reduced if below_begin else -reduced
    _shift_below(leaves, shift, (parent, potential, path), seen)
    carried, is_up, edge_cost = most, below_begin, price
    while True:
        next_node = parent[node]
        carried, flow[node] = flow[node], carried
        is_up, upward[node] = upward[node], is_up
        edge_cost, tree_cost[node] = tree_cost[node], edge_cost
        parent[node] = above
        if node == leaves:
            break
        above, node = node, next_node
        is_up = not is_up


@compiled
def _meeting(begin: int, end: int, parent: Any, seen: Any, pivot: int) -> int:
    """Where the ways from two nodes to the root meet."""
    node = begin
    seen[node] = pivot
    while node != 0:
        node = parent[node]
        seen[node] = pivot
    node = end
    while seen[node] != pivot:
        node = parent[node]
    return node


@compiled
def _push(node: int, top: int, amount: float, tree: Any) -> None:
    """Add to the flow up to a node above; of edges that lead down, take away."""
    parent, flow, upward = tree
    while node != top:
        flow[node] += amount if upward[node] else -amount
        node = parent[node]


@compiled
def _shift_below(top: int, shift: float, tree: Any, seen: Any) -> None:
    """Add to the potential of a node and of all nodes below it."""
    parent, potential, path = tree
    nodes = parent.shape[0]
    # Marks are negative, so that they are never taken for the number of a pivot.
    for node in range(nodes):
        seen[node] = 0
    seen[0] = -1
    seen[top] = -2
    potential[top] += shift
    for start in range(nodes):
        node, length = start, 0
        while seen[node] == 0:
            path[length] = node
            length += 1
            node = parent[node]
        mark = seen[node]
        for index in range(length):
            seen[path[index]] = mark
            if mark == -2:
                potential[path[index]] += shift


@compiled
def cube_arcs(most: int) -> Any:
    """Both directions of every edge of the hypercube of ``most`` dimensions: tails, heads, prices.

    The arcs of the cube of k dimensions are the first k 2^k of them.
    """
    tail = np.empty(most << most, np.int64)
    head = np.empty(most << most, np.int64)
    index = 0
    for bit in range(most):
        # Edges of a smaller cube come first.
        for node in range(2 << bit):
            for other in range(bit + 1):
                if other == bit or node >> bit:
                    tail[index] = node
                    head[index] = node ^ (1 << other)
                    index += 1
    return tail, head, np.ones(index)


@compiled
def cube_distance(difference: Any, dimensions: int, arcs: Any, potential: Any) -> float:
    """Earth mover's distance over states of ``dimensions`` nodes, of the difference of two.

    Args:
        difference: One distribution minus the other, ``[2^dimensions]``, little-endian.
        dimensions: How many nodes.
        arcs: What :func:`cube_arcs` says of at least as many dimensions.
        potential: Of more than two dimensions, where the price level of each state goes: it changes
            by no more than 1 along an edge, so that its sum weighted with any other difference is
            not above that one's distance (Kantorovich and Rubinstein).
    """
    if dimensions == 0:
        return 0.0
    if dimensions == 1:
        return float(abs(difference[0]))
    if dimensions == 2:
        # What flows along the cycle of four states but for a circulation, which the median is of.
        second = difference[0] + difference[1]
        third = second + difference[3]
        median = max(min(difference[0], second), min(third, 0.0))
        total = abs(difference[0] - median) + abs(second - median)
        return float(total + abs(third - median) + abs(median))
    nodes = 1 << dimensions
    parent = np.zeros(nodes, np.int64)
    supply, tree_cost = np.empty(nodes), np.empty(nodes)
    for node in range(nodes):
        parent[node] = node & (node - 1)
        supply[node] = difference[node]
        tree_cost[node] = 1.0
    parent[0] = 0
    tail, head, cost = arcs
    count = dimensions << dimensions
    return cheapest_flow(supply, tail, head, cost, parent, tree_cost, count, potential)


@compiled
def cube_upper_bound(difference: Any, dimensions: int) -> float:
    """Something that the distance is not above: what a greedy transport costs.

    Neighbours make up for each other first, then states two steps apart; what is left goes along
    the binomial tree. ``difference`` is used up.
    """
    states = 1 << dimensions
    total = 0.0
    for distance in range(1, 3):
        for bit in range(dimensions):
            for other in range(bit, dimensions if distance == 2 else bit + 1):
                way = (1 << bit) | (1 << other)
                if distance == 2 and other == bit:
                    continue
                for state in range(states):
                    there = state ^ way
                    moved = min(difference[state], -difference[there])
                    if moved > 0.0:
                        difference[state] -= moved
                        difference[there] += moved
                        total += moved * distance
    for state in range(states - 1, 0, -1):
        total += abs(difference[state])
        difference[state & (state - 1)] += difference[state]
    return total


@compiled
def transport_distance(given: Any, taken: Any, price: Any, flow: Any) -> float:
    """Earth mover's distance between masses at places, given the price of every way.

    Args:
        given: Mass at each place of the one side, ``[a]``.
        taken: Mass at each place of the other, ``[b]``, of the same sum.
        price: Price from each to each, ``[a, b]``.
        flow: Where to write what moves along each way, ``[a, b]``.
    """
    a, b = price.shape
    supply = np.zeros(1 + a + b)
    for i in range(a):
        supply[1 + i] = given[i]
    for j in range(b):
        supply[1 + a + j] = -taken[j]
    tail = np.empty(a * b, np.int64)
    head = np.empty(a * b, np.int64)
    cost = np.empty(a * b)
    dearest = 0.0
    for i in range(a):
        for j in range(b):
            tail[i * b + j] = 1 + i
            head[i * b + j] = 1 + a + j
            cost[i * b + j] = price[i, j]
            dearest = max(dearest, price[i, j])
            flow[i, j] = 0.0
    parent = np.zeros(1 + a + b, np.int64)
    tree_cost = np.empty(1 + a + b)
    for node in range(1 + a + b):
        # The first tree leads everything over a hub that is dearer than any way.
        tree_cost[node] = 1.0 + dearest * (a + b)
    level = np.empty(1 + a + b)
    total = cheapest_flow(supply, tail, head, cost, parent, tree_cost, a * b, level)
    for node in range(1, 1 + a + b):
        above = parent[node]
        if above != 0:
            # One end of a way is a giver, the other a taker.
            flow[min(node, above) - 1, max(node, above) - a - 1] = supply[node]
    return total
