"""The same physics in other simulators, one script a simulator and task.

Each runs in an environment of the peers (benchmarks/requirements-physics-peers.txt), prints one
line of JSON and knows nothing of neurallayers:

    PEERS/bin/python -m benchmarks.physics_peers.vogels_abbott_nest --cells 4000 --repeats 3

What is simulated stands in the modules without a simulator in their name, which both sides read.
"""
