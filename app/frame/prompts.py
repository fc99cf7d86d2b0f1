"""Example prompts: text of the kind that the shipped models have read (Python code, stories), and texts with a mask."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A prompt and the few words that name it."""

    title: str
    text: str


EXAMPLES = (
    Example(
        "Repeated names",
        '''class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def moved(self, dx, dy):
        """Return the point moved by dx and dy."""
        return Point(self.x + dx, self.y +''',
    ),
    Example(
        "A docstring",
        '''def read(self, size=-1):
    """Read and return up to size bytes.

    If the argument is omitted, None, or negative, reads and
    returns all data until EOF.

    Raises ValueError if the file is''',
    ),
    Example(
        "Documentation",
        """The "if" statement is used for conditional execution. It selects exactly one of the suites by evaluating \
the expressions one by one until one is found to be true; then that suite is executed. If all expressions are false, \
the suite of the "else" clause, if present, is""",
    ),
    Example(
        "Brackets and indents",
        """try:
    for name in names:
        if name in self._cache:
            return self._cache[name]
        self._cache[name] = [(key, value) for (key, value) in items]
except""",
    ),
    Example("Two names", "Then, Mary and John went to the store. John gave a drink to"),
    Example(
        "A test case",
        """    def test_add(self):
        self.assertEqual(add(1, 2), 3)
        self.assertEqual(add(2, 3), 5)
        self.assertEqual(add(3, 4), 7)
        self.assert""",
    ),
)


def masked_examples(mask: str) -> tuple[Example, ...]:
    """Texts in which a masked language model is asked for one word; mask: what its tokenizer writes for it."""
    return (
        Example("A capital", f"The capital of France is {mask}."),
        Example("An opposite", f"The opposite of hot is {mask}, and the opposite of high is low."),
        Example("Two names", f"Mary and John went to the store. Mary gave a drink to {mask}."),
    )
