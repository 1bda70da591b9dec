"""Plasticity: how synapses and thresholds change by what they live through."""

from neurallayers.dynamics.plasticity.eligibility import EProp, eprop_gradient
from neurallayers.dynamics.plasticity.fast_weights import PlasticLinear, PlasticLinearState
from neurallayers.dynamics.plasticity.hebbian import BCM, Hebb, Oja, RateRule
from neurallayers.dynamics.plasticity.homeostasis import (
    IntrinsicThreshold,
    IntrinsicThresholdState,
    SynapticScaling,
)
from neurallayers.dynamics.plasticity.plastic_synapses import (
    PlasticSynapses,
    PlasticSynapsesState,
)
from neurallayers.dynamics.plasticity.reward import RewardSTDP
from neurallayers.dynamics.plasticity.rule import (
    RULES,
    Equations,
    Filter,
    Receiver,
    Rule,
    Sender,
    Synapse,
    Trace,
    rule_from,
)
from neurallayers.dynamics.plasticity.spike_timing import PairSTDP
from neurallayers.dynamics.plasticity.structural import Edges, rewired
from neurallayers.dynamics.plasticity.triplet import TripletSTDP
from neurallayers.dynamics.plasticity.voltage import VoltageSTDP

__all__ = [
    "BCM",
    "RULES",
    "EProp",
    "Edges",
    "Equations",
    "Filter",
    "Hebb",
    "IntrinsicThreshold",
    "IntrinsicThresholdState",
    "Oja",
    "PairSTDP",
    "PlasticLinear",
    "PlasticLinearState",
    "PlasticSynapses",
    "PlasticSynapsesState",
    "RateRule",
    "Receiver",
    "RewardSTDP",
    "Rule",
    "Sender",
    "Synapse",
    "SynapticScaling",
    "Trace",
    "TripletSTDP",
    "VoltageSTDP",
    "eprop_gradient",
    "rewired",
    "rule_from",
]
