"""The page with which anyone sees it in a minute."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

router = APIRouter()


@router.get("/", include_in_schema=False)
async def page(request: Request) -> Response:
    """The playground."""
    html: str = request.app.state.page
    return HTMLResponse(html, headers={"cache-control": "no-cache"})
