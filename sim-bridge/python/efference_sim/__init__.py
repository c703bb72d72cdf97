"""Efference's Python peer: serve a simulator to the runtime, or ask it for a robot's actions.

It dials in over ZeroMQ and does as told; it knows no policy, no recorder and no viewer.
"""

__version__ = "0.1.0"

from .environment import (
    ComponentSpec,
    Environment,
    EnvironmentIdentity,
    EnvironmentSpec,
    ImageSpec,
    Observation,
    ResetRequest,
    State,
    TaskInfo,
    TextSpec,
    TimeStep,
    Want,
)
from .link import CurveKeys, LinkOptions
from .peer import ServeResult, serve
from .policy import Decision, PolicyClient, RuntimeReportedError
from .tensors import BFloat16
from .wire import PROTOCOL_VERSION, SCHEMA_FINGERPRINT

__all__ = [
    "PROTOCOL_VERSION",
    "SCHEMA_FINGERPRINT",
    "BFloat16",
    "ComponentSpec",
    "CurveKeys",
    "Decision",
    "Environment",
    "EnvironmentIdentity",
    "EnvironmentSpec",
    "ImageSpec",
    "LinkOptions",
    "Observation",
    "PolicyClient",
    "ResetRequest",
    "RuntimeReportedError",
    "ServeResult",
    "State",
    "TaskInfo",
    "TextSpec",
    "TimeStep",
    "Want",
    "serve",
]
