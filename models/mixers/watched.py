"""Watched mixers: what every mixer of a running model was given and gave, told to whoever watches in this thread."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from headscope.models.mixers.lightning import activated_arguments
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

    def mixed(self, prompt: int = 0) -> Mixed:
        """All of it, of one prompt of the batch. Raises ValueError for a mixer that did not call its function."""
        reading = self.place.reading
        if self.output is None or self.read is None:
            raise ValueError(f"layer {self.place.number} did not compute {reading.name} as transformers' own code does")
        arguments = {name: of_prompt(value, prompt) for name, value in self.arguments.items()}
        values = arguments[reading.value][0]
        output, read = (item.detach()[prompt].reshape(values.shape).cpu() for item in (self.output, self.read))
        return Mixed(reading.recurrence(arguments), values.cpu().clone(), output.clone(), read.clone())


def of_prompt(value: Any, prompt: int) -> Any:
    """What one prompt of a batch gave a mixing function: of a tensor by prompt and position that prompt alone."""
    is_batch = isinstance(value, Tensor) and value.ndim >= 3
    return value.detach()[prompt : prompt + 1] if is_batch else value


@dataclass
class MixerWatch:
    """The mixer calls that ended while a thread watched, and the one that it is in."""

    calls: list[MixerCall] = field(default_factory=list[MixerCall])
    current: MixerCall | None = None


MIXERS = ThreadValue[MixerWatch]("MIXERS")


def current_call() -> MixerCall | None:
    """The mixer call that this thread is in, if it watches one."""
    watch = MIXERS.get()
    return None if watch is None else watch.current


@contextmanager
def watched_mixers(places: Sequence[MixerPlace]) -> Iterator[list[MixerCall]]:
    """The calls of these mixers inside, in the order in which they end; the numbers of the model stay as they are."""
    watch = MixerWatch()
    with ExitStack() as stack:
        for place in places:
            for name in place.functions:
                globals_of(place.module)[name] = telling(globals_of(place.module)[name])
            for handle in place_hooks(place):
                stack.callback(handle.remove)
        with MIXERS.set_to(watch):
            yield watch.calls


def telling(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which tells the thread's watcher what it was given and gave; once told, it stays so."""
    if hasattr(function, "tells_mixer"):
        return function
    signature = inspect.signature(inspect.unwrap(function))

    @wraps(function)
    def telling_function(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if (call := current_call()) is not None:
            call.arguments = signature.bind_partial(*args, **kwargs).arguments
            call.output = result[0] if isinstance(result, tuple) else result
        return result

    telling_function.tells_mixer = True  # type: ignore[attr-defined]
    return telling_function


def place_hooks(place: MixerPlace) -> list[RemovableHandle]:
    """Hooks that say which mixer a thread is in, and what its output matrix reads."""

    def begin(module: nn.Module, args: Places) -> None:
        if (watch := MIXERS.get()) is not None:
            watch.current = MixerCall(place)

    def end(module: nn.Module, args: Places, output: Any) -> None:
        if (watch := MIXERS.get()) is not None and watch.current is not None:
            watch.calls.append(watch.current)
            watch.current = None

    def keep_read(module: nn.Module, args: Places) -> None:
        if (call := current_call()) is not None:
            call.read = args[0]

    module = place.module
    around = [module.register_forward_pre_hook(begin), module.register_forward_hook(end)]
    hooks = [*around, output_matrix(module).register_forward_pre_hook(keep_read)]
    return hooks if place.functions else [*hooks, *lightning_hooks(module)]


def lightning_hooks(module: Any) -> list[RemovableHandle]:
    """Those of a mixer that calls no function: what its activation gives, and what its norm reads."""

    def keep_arguments(part: nn.Module, args: Places, activated: Tensor) -> None:
        if (call := current_call()) is not None:
            call.arguments = activated_arguments(module, activated)

    def keep_output(part: nn.Module, args: Places) -> None:
        if (call := current_call()) is not None:
            call.output = args[0]

    return [module.act_fn.register_forward_hook(keep_arguments), module.norm.register_forward_pre_hook(keep_output)]


def output_matrix(module: nn.Module) -> nn.Linear:
    """W_O of a mixer, by its usual name. Raises ValueError where there is none."""
    for name in NAMES["o"]:
        if isinstance(part := getattr(module, name, None), nn.Linear):
            return part
    raise ValueError(f"a {type(module).__name__} has no output matrix by a name that is known: {', '.join(NAMES['o'])}")
