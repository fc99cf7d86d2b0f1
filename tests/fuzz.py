"""Fuzz: every parser of what comes from elsewhere against inputs that are nearly right.

Run by hand (`make fuzz`). A fault is anything but the refusal that a parser documents, one of several lines, code that
ran, more than 5 s, 1 GiB of memory, or the end of the process. Each parser runs in a process of its own; the inputs
that fell are kept, and their number is the exit code.
"""

import multiprocessing
import os
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from hashlib import sha256
from multiprocessing.process import BaseProcess
from pathlib import Path

from fuzz_parsers import CANARY, Parser, Read, parsers
from hypothesis import HealthCheck, Phase, given, seed, settings

COUNT = int(os.environ.get("FUZZ_COUNT", "20000"))
LAST, OUTCOMES = "input", "outcomes"
LAWFUL = READ, REFUSED = "read", "refused"
MOST_SECONDS, MOST_KIB, STALLED = 5, 2**20, 60
HEALTH = [*HealthCheck]
FORK = multiprocessing.get_context("fork")  # what is imported once takes half a minute
KEPT = Path(tempfile.gettempdir()) / "headscope-fuzz"


def fuzz_one(name: str, count: int, number: int, place: Path) -> None:
    """The inputs of one parser; what each came to is a line of a file beside them."""
    warnings.simplefilter("ignore")
    parser = parsers(place)[name]

    @seed(number)
    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=HEALTH)
    @given(parser.inputs)
    def run(content: bytes) -> None:
        (place / LAST).write_bytes(content)
        outcome = measured_outcome(parser, content)
        with (place / OUTCOMES).open("a") as outcomes:
            outcomes.write("code was run\n" if (place / CANARY).exists() else f"{outcome}\n")
        if outcome not in LAWFUL:
            keep(name, content)

    run()


def measured_outcome(parser: Parser, content: bytes) -> str:
    """What one input comes to: it is read, refused, or does what it may not."""
    parser.file.write_bytes(content)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    outcome = outcome_of(parser.read, parser.file, parser.refusals)
    seconds, grown = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    if seconds > MOST_SECONDS:
        return f"more than {MOST_SECONDS} s"
    return f"more than {MOST_KIB >> 10} MiB" if grown > MOST_KIB else outcome


def outcome_of(read: Read, file: Path, refusals: tuple[type[Exception], ...]) -> str:
    """READ, REFUSED in one line, or what else was raised, and where."""
    try:
        read(file)
    except refusals as error:
        return "a refusal of several lines" if "\n" in str(error) else REFUSED
    except BaseException as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
        return f"{type(error).__name__} in {Path(frames[-1].filename).name}:{frames[-1].lineno}"
    return READ


def keep(name: str, content: bytes) -> None:
    """Keep an input that fell."""
    KEPT.mkdir(exist_ok=True)
    (KEPT / f"{name.replace(' ', '-')}-{sha256(content).hexdigest()[:8]}").write_bytes(content)


def outcomes_of(name: str, count: int) -> list[str]:
    """What the inputs of a parser came to; an abort or a stall is one of them, and the rest goes on."""
    outcomes: list[str] = []
    while len(outcomes) < count:
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch)
            process = FORK.Process(target=fuzz_one, args=(name, count - len(outcomes), len(outcomes), place))
            process.start()
            ended = exit_code(process, place / OUTCOMES)
            outcomes += text_of(place / OUTCOMES).splitlines()
            if ended == 0:
                break
            outcomes.append(f"the process ended with {ended}")
            keep(name, (place / LAST).read_bytes())
    return outcomes


def exit_code(process: BaseProcess, outcomes: Path) -> int:
    """The exit code of a process; one that gets no further is ended."""
    last, since = "", time.monotonic()
    while process.is_alive():
        process.join(0.2)
        if (now := text_of(outcomes)) != last:
            last, since = now, time.monotonic()
        if time.monotonic() - since > STALLED:
            process.kill()
    return process.exitcode or 0


def text_of(file: Path) -> str:
    """What a file says; nothing where it is not there."""
    return file.read_text() if file.exists() else ""


def main() -> int:
    """Every parser, or those with a word in their name; gives how many kinds of faults there were."""
    with tempfile.TemporaryDirectory() as scratch:
        shares = {name: parser.share for name, parser in parsers(Path(scratch)).items()}
    faults: Counter[str] = Counter()
    for name in (name for name in shares if not sys.argv[1:] or sys.argv[1] in name):
        began = time.monotonic()
        outcomes = Counter(outcomes_of(name, COUNT * shares[name] // sum(shares.values())))
        fell = Counter({f"{name}: {outcome}": times for outcome, times in outcomes.items() if outcome not in LAWFUL})
        faults += fell
        words = f"{outcomes[READ]} read, {outcomes[REFUSED]} refused, {fell.total()} fell"
        print(f"{name}: {outcomes.total()} tried, {words}, {time.monotonic() - began:.0f} s", flush=True)
    for fault, times in faults.most_common():
        print(f"{times} × {fault}")
    print(f"{faults.total()} fell; kept in {KEPT}" if faults else "none fell")
    return min(len(faults), 100)


if __name__ == "__main__":
    sys.exit(main())
