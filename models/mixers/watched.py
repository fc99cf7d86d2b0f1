"""Watched mixers: what every mixer of a running model was given and gave, told to whoever watches in this thread."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from headscope.models.mixers.lightning import projected_arguments
from headscope.models.mixers.places import MixerPlace, globals_of
from headscope.models.mixers.recurrence import Recurrence
from headscope.models.seam.call_arguments import Keywords, Places
from headscope.models.seam.projections import NAMES
from headscope.models.seam.thread_value import ThreadValue


@dataclass(frozen=True)
class Mixed:
    """What one mixer did with one prompt: its recurrence, the values, o as it came out, and as W_O reads it."""

    recurrence: Recurrence
    values: Float[Tensor, "pos head d_value"]
    output: Float[Tensor, "pos head d_value"]
    read: Float[Tensor, "pos head d_value"]


@dataclass
class MixerCall:
    """The call that a mixer is in, as it becomes known."""

    place: MixerPlace
    arguments: Keywords = field(default_factory=dict[str, Any])
    output: Tensor | None = None
    read: Tensor | None = None

    def mixed(self) -> Mixed:
        """All of it. Raises ValueError for a mixer that did not call its function, or more than one prompt."""
        reading = self.place.reading
        if self.output is None or self.read is None:
            raise ValueError(f"layer {self.place.number} did not compute {reading.name} as transformers' own code does")
        values = self.arguments[reading.value].detach()
        if len(values) != 1:
            raise ValueError(f"mixers are read on one prompt at a time, and {len(values)} were run")
        shape = values.shape[1:]
        output, read = (item.detach()[0].reshape(shape).cpu() for item in (self.output, self.read))
        return Mixed(reading.recurrence(self.arguments), values[0].cpu().clone(), output.clone(), read.clone())


MIXER = ThreadValue[list[MixerCall]]("MIXER")
"""The mixer calls of a thread that watches, the last being the one that it is in."""


@contextmanager
def watched_mixers(places: Sequence[MixerPlace]) -> Iterator[list[MixerCall]]:
    """The calls of these mixers inside, in their order; the numbers of the model stay as they are."""
    calls: list[MixerCall] = []
    with ExitStack() as stack:
        for place in places:
            for name in place.functions:
                globals_of(place.module)[name] = telling(globals_of(place.module)[name])
            for handle in place_hooks(place):
                stack.callback(handle.remove)
        with MIXER.set_to(calls):
            yield calls


def telling(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which tells the thread's watcher what it was given and gave; once told, it stays so."""
    if hasattr(function, "tells_mixer"):
        return function
    signature = inspect.signature(inspect.unwrap(function))

    @wraps(function)
    def told(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if calls := MIXER.get():
            bound = signature.bind_partial(*args, **kwargs).arguments
            calls[-1].arguments = bound
            calls[-1].output = result[0] if isinstance(result, tuple) else result
        return result

    told.tells_mixer = True  # type: ignore[attr-defined]
    return told


def place_hooks(place: MixerPlace) -> list[Any]:
    """Hooks that say which mixer a thread is in, and what its output matrix reads."""
    module: Any = place.module

    def begin(module: Any, args: Places) -> None:
        if (calls := MIXER.get()) is not None:
            calls.append(MixerCall(place))

    def keep_read(module: Any, args: Places) -> None:
        if calls := MIXER.get():
            calls[-1].read = args[0]

    hooks = [module.register_forward_pre_hook(begin), output_matrix(module).register_forward_pre_hook(keep_read)]
    return hooks if place.functions else [*hooks, *lightning_hooks(module)]


def lightning_hooks(module: Any) -> list[Any]:
    """Those of a mixer that calls no function: its projection's output, and what its norm reads."""

    def keep_arguments(part: Any, args: Places, projected: Tensor) -> None:
        if calls := MIXER.get():
            calls[-1].arguments = projected_arguments(module, projected)

    def keep_output(part: Any, args: Places) -> None:
        if calls := MIXER.get():
            calls[-1].output = args[0]

    return [module.qkv_proj.register_forward_hook(keep_arguments), module.norm.register_forward_pre_hook(keep_output)]


def output_matrix(module: nn.Module) -> nn.Linear:
    """W_O of a mixer, by its usual name. Raises ValueError where there is none."""
    for name in NAMES["o"]:
        if isinstance(part := getattr(module, name, None), nn.Linear):
            return part
    raise ValueError(f"a {type(module).__name__} has no output matrix by a name that is known: {', '.join(NAMES['o'])}")
