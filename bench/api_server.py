"""Runs the real server with one more endpoint, which returns a constant, for the benchmark."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from starlette.requests import Request
from starlette.responses import Response

from hertz.api.app import create_app, log_config
from hertz.storage.settings import ApiSettings


def main() -> None:
    """Serves the home of the first argument; `/constant?size=N` returns N bytes."""
    app = create_app(Path(sys.argv[1]), ApiSettings(requests_per_second=0, access_log=False))
    sizes: dict[str, bytes] = {}

    async def constant(request: Request) -> Response:
        size = request.query_params["size"]
        body = sizes.get(size)
        if body is None:
            body = sizes[size] = b'"' + b"x" * (int(size) - 2) + b'"'
        return Response(body, media_type="application/json")

    app.router.add_route("/constant", constant)
    uvicorn.run(
        app, port=0, ws="none", server_header=False, log_config=log_config(), access_log=False
    )


if __name__ == "__main__":
    main()
