"""Model roots: the folders of this computer in which the app opens models, whoever names one: a person or a link."""

import os
from functools import cache
from pathlib import Path

from headscope.models import zoo
from headscope.models.io.cache_folder import cache_folder

ROOTS = "HEADSCOPE_MODELS"  # the variable that hands what --models says to the server's process


class ElsewhereError(ValueError):
    """A place that is opened only when somebody at the screen agrees."""

    def __init__(self, place: Path) -> None:
        super().__init__(
            f"{place} is not in {Path.cwd()}, where the app was started. If you did not name it yourself, a link did."
        )
        self.place = place


def model_roots() -> tuple[Path, ...]:
    """The folders that were named when the app was started, or the one that it was started in."""
    return named_roots() or (Path.cwd(),)


def named_roots() -> tuple[Path, ...]:
    """The folders that were named when the app was started."""
    names = os.environ.get(ROOTS, "")
    return tuple(Path(name).resolve() for name in names.split(os.pathsep) if name)


def refuse_outside(place: Path) -> None:
    """Raise ValueError for a folder or file outside all roots, wherever links on the way to it lead.

    Where no roots were named it is ElsewhereError, until that place, or a folder around it, is agreed to.
    """
    from huggingface_hub.constants import HF_HUB_CACHE

    true = place.resolve()
    ours = (zoo.HERE, cache_folder("uploads"), Path(HF_HUB_CACHE))
    roots = (*model_roots(), *(folder.resolve() for folder in ours), *agreed_places())
    if any(true.is_relative_to(root) for root in roots):
        return
    if named := named_roots():
        raise ValueError(
            f"{true} is outside the folders in which this app opens models: {', '.join(map(str, named))}; start it "
            "with one more --models FOLDER"
        )
    raise ElsewhereError(true)


def agree_to(place: Path) -> None:
    """Open this place, and what is in it, until the app is stopped."""
    agreed_places().add(place)


@cache
def agreed_places() -> set[Path]:
    """The places outside the roots that somebody at the screen agreed to; of all sessions."""
    return set()
