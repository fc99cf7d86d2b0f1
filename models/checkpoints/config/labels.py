"""Labels: the names of an image classifier's classes, as config.json has them."""

from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.hosts.families import family_of
from headscope.models.io.fields import Fields

MAX_CLASSES = 100_000
LABELS = ("id2label", "label2id", "num_labels")


def labels(fields: Fields, origin: str) -> Fields:
    """The fields of a config that name its classes; a language model has none. Raises CheckpointError by field."""
    if family_of(fields["model_type"]).modality.reads_ids:
        return {}
    names = fields.get("id2label")
    if names is None:
        return {"num_labels": checked_count(fields.get("num_labels", 2), origin)}
    ids = [str(number) for number in range(len(names))] if isinstance(names, dict) else []
    if not ids or set(names) != set(ids) or not all(isinstance(name, str) for name in names.values()):
        raise CheckpointError(f"cannot open {origin}: id2label names the classes 0 to n − 1 each with a text")
    checked_count(len(ids), origin)
    return {"id2label": {int(i): names[i] for i in ids}, "label2id": {names[i]: int(i) for i in ids}}


def checked_count(count: object, origin: str) -> int:
    """A number of classes that may be made."""
    if type(count) is not int or not 1 <= count <= MAX_CLASSES:
        raise CheckpointError(f"cannot open {origin}: num_labels is {count!r}; 1 to {MAX_CLASSES} classes are opened")
    return count
