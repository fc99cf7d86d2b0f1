"""Answers: colour and shape of each answer to a claim, so that none is known by its colour alone."""

from headscope.interp.figures.palette.colours import BLUE, GREY, LINES, RED

ANSWERS = {
    "reproduced": (BLUE, "triangle-up"),
    "opposite": (RED, "triangle-down"),
    "no difference": (LINES[0], "square"),
    "not seen": (GREY, "circle"),
    "depends on budget": (LINES[1], "diamond"),
    "not measurable": (LINES[3], "x"),
    "too few seeds": (GREY, "cross"),
    "not measured": (GREY, "cross"),
}


def answer_colour(answer: str) -> str:
    """The colour of an answer. KeyError for what is none."""
    return ANSWERS[answer][0]
