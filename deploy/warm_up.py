"""Let one brain do everything once, so that what is compiled at first use is compiled."""

from __future__ import annotations

import asyncio
from io import BytesIO

from neurallayers.service import Engine


async def main() -> None:
    """A thought, a lesson, a stimulus that is lived through and a figure, in a folder that goes."""
    async with Engine() as engine:
        brain = await engine.create()
        model = engine.model(brain.model)
        height, width = model.image_shape[:2]
        image = [[(row + column) % 2 * 1.0 for column in range(width)] for row in range(height)]
        await engine.process(brain.id, image)
        await engine.learn(brain.id, image, "warm")
        await engine.process(brain.id, image, stateful=True)
        thought = await engine.thought(brain.id)
        thought.figure().savefig(BytesIO(), format="png")


if __name__ == "__main__":
    asyncio.run(main())
