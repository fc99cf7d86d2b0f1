"""When and where a run is photographed: model folders named by their step, closer together early on."""

from pathlib import Path


def snapshot_steps(steps: int, count: int) -> tuple[int, ...]:
    """`count` steps before the last one, each half of the next: 64 steps and a count of 3 give 8, 16, 32."""
    halvings = (steps / 2**k for k in range(count, 0, -1))
    return tuple(sorted({round(step) for step in halvings if step >= 1}))


def snapshot_folder(folder: Path, step: int) -> Path:
    """The place of a step's snapshot in a run's folder."""
    return folder / f"step-{step:06d}"
