"""The client of a NeuralLayers service: brains that live elsewhere.

```text
with Client("http://127.0.0.1:8077") as client:
    ada = client.create_brain(name="Ada")
    ada.learn(image, target="triangle")
    print(ada.process(image).label)
```

What is lost on the way is sent again, and nothing is taught twice. Needs the extra ``client``.
"""

from neurallayers.client.answers import (
    BrainInfo,
    BrainSummary,
    Entry,
    Lesson,
    Model,
    Raster,
    Region,
    Snapshot,
    Thought,
    Vitals,
)
from neurallayers.client.asynchronous import AsyncClient, AsyncRemoteBrain
from neurallayers.client.client import Client, RemoteBrain
from neurallayers.client.events import Event
from neurallayers.client.failures import (
    Conflict,
    InvalidRequest,
    NotFound,
    Overloaded,
    ServiceError,
    Unauthorized,
    Unavailable,
)

__all__ = [
    "AsyncClient",
    "AsyncRemoteBrain",
    "BrainInfo",
    "BrainSummary",
    "Client",
    "Conflict",
    "Entry",
    "Event",
    "InvalidRequest",
    "Lesson",
    "Model",
    "NotFound",
    "Overloaded",
    "Raster",
    "Region",
    "RemoteBrain",
    "ServiceError",
    "Snapshot",
    "Thought",
    "Unauthorized",
    "Unavailable",
    "Vitals",
]
