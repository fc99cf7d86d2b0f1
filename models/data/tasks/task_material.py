"""A task as material: rows made by rule in every step, and the same held-out rows for every model."""

from typing import Protocol, runtime_checkable

import numpy as np

from headscope.models.data.examples import Examples, Task
from headscope.models.data.material import Material, token_fields
from headscope.models.data.tasks.answering import held_out_examples, task_objective


@runtime_checkable
class MeasuredTask(Protocol):
    """A task that knows its tokens, and how many rows a model is measured on."""

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        ...

    @property
    def measured(self) -> int:
        """How many rows are held out."""
        ...

    def __call__(self, dice: np.random.Generator, count: int) -> Examples:
        """Rows."""
        ...


def task_material(task: MeasuredTask, batch: int, seed: int) -> Material:
    """`batch` rows of the task in a step."""
    return rows_material(task, held_out_examples(task, task.measured), task.vocabulary, batch, seed)


def rows_material(task: Task, measured: Examples, vocabulary: int, batch: int, seed: int) -> Material:
    """Rows of a task, and those that are measured."""
    objective = task_objective(task, measured, seed, batch)
    return Material(objective, token_fields(vocabulary), context=measured.ids.shape[1])
