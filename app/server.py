"""The app's server, `streamlit run app/server.py`: main.py behind a door that lets its own pages in alone."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.middleware import Middleware
from streamlit.starlette import App

from headscope.app.serving.doors.own_site import OwnSite
from headscope.app.serving.kept.retention import HOUR, forget_abandoned

log = logging.getLogger(__name__)


@asynccontextmanager
async def housekeeping(app: App) -> AsyncIterator[None]:
    """While the server runs, what was sent and is no longer used is deleted, every hour."""
    task = asyncio.create_task(hourly())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def hourly() -> None:
    """Delete what is no longer used, now and every hour."""
    while True:
        try:
            await asyncio.to_thread(forget_abandoned)
        except OSError as fault:
            log.warning("What is no longer used cannot be deleted: %s", fault)
        await asyncio.sleep(HOUR)


app = App(Path(__file__).with_name("main.py"), middleware=[Middleware(OwnSite)], lifespan=housekeeping)
