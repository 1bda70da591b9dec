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
from neurallayers.client.asynchronous import AsyncClient
from neurallayers.client.asynchronous_brains import AsyncRemoteBrain
from neurallayers.client.brains import RemoteBrain
from neurallayers.client.client import Client
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
from neurallayers.client.reminiscence import (
    Alert,
    Concept,
    Conclusion,
    Episode,
    Explanation,
    FeatureShare,
    InMind,
    LessonShare,
    Memories,
    Proof,
    Recollection,
    Rule,
    Sleep,
)

__all__ = [
    "Alert",
    "AsyncClient",
    "AsyncRemoteBrain",
    "BrainInfo",
    "BrainSummary",
    "Client",
    "Concept",
    "Conclusion",
    "Conflict",
    "Entry",
    "Episode",
    "Event",
    "Explanation",
    "FeatureShare",
    "InMind",
    "InvalidRequest",
    "Lesson",
    "LessonShare",
    "Memories",
    "Model",
    "NotFound",
    "Overloaded",
    "Proof",
    "Raster",
    "Recollection",
    "Region",
    "RemoteBrain",
    "Rule",
    "ServiceError",
    "Sleep",
    "Snapshot",
    "Thought",
    "Unauthorized",
    "Unavailable",
    "Vitals",
]
