"""Refusal log: what lies behind a box on a page, with its traceback, on the server's error stream."""

import logging

from headscope.models.io.foreign_input import log


def write_refusal_log() -> None:
    """From now on this process writes it; asked again, it goes on."""
    if not log.handlers:
        log.addHandler(logging.StreamHandler())
        log.setLevel(logging.INFO)
