"""Refuse every wheel but the editable one, which holds a path and no files."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RefuseWheel(BuildHookInterface):
    """The build hook of hatchling's wheel target."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            raise SystemExit(
                "headscope is installed editable only (pip install -e .): a wheel would put packages named "
                "app, interp and models into site-packages; see Decisions in CONTRIBUTING.md"
            )
