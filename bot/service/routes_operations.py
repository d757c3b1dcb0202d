"""For those who run the service: metrics, reloading, and the page about the API."""

from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response

from bot.service.metrics import CONTENT_TYPE
from bot.service.problems import ProblemError
from bot.service.schemas import ReloadReply
from bot.service.shared import Calling, Shared

router = APIRouter()
ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Truepenny: the API</title>
<link rel="icon" href="docs/favicon.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<main id="api"></main>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
});
"""
POLICY = (  # Swagger UI sets style attributes and draws its icons as data: images
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; object-src 'none'; form-action 'none'; frame-ancestors 'none'"
)


@router.get("/metrics", include_in_schema=False)
def metrics(service: Shared) -> Response:
    """What is counted, for Prometheus; needs the scope `admin` where keys are needed."""
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)


@router.post("/v1/admin/reload", status_code=202)
def reload(service: Shared, caller: Calling) -> ReloadReply:
    """Loads models, adapters and index anew; what serves goes on until the new is tested."""
    started = service.readiness.reload()
    service.store.audit.add(caller.id, "service.reload", "service")
    return ReloadReply(status="reloading" if started else "already reloading")


@router.get("/docs", include_in_schema=False)
async def docs() -> HTMLResponse:
    """The page about the API; nothing of it comes from elsewhere."""
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})


@router.get("/docs/start.js", include_in_schema=False)
async def start() -> Response:
    """Starts the page: a file of its own, since no inline script may run."""
    return Response(START, media_type="text/javascript")


@router.get("/docs/{name}", include_in_schema=False)
async def asset(name: str) -> FileResponse:
    """Swagger UI, as the package fastapi-offline carries it."""
    if name not in ASSETS:
        raise ProblemError(404, "not-found", "There is nothing here.")
    spec = find_spec("fastapi_offline")
    assert spec
    assert spec.origin
    return FileResponse(Path(spec.origin).parent / "static" / name, media_type=ASSETS[name])
