"""How far one token's change reaches in every compared model."""

from headscope.app.figure.code import model_code
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.left_out import left_out
from headscope.app.frame.other_models import models_with_titles
from headscope.app.frame.page import OpenPrompt
from headscope.app.frame.when_asked import analysis_when_asked
from headscope.app.serving.refusals import refusals_in_place
from headscope.interp.collapse.tokens.perturbation import PerturbationSpread
from headscope.interp.collapse.tokens.spread_comparison import spread_comparison

NAME, TITLE = "perturbation", "How far one {token}'s change reaches, model beside model"


def spread_beside(models: list[OpenPrompt]) -> None:
    """The reach of every model by depth, on the open prompt."""
    title = models[0].in_words(TITLE)
    if left_out(models[0], NAME, title):
        return
    result = {
        words: analysis_when_asked(item, NAME, f"Spread in {words}") for words, item in models_with_titles(models)
    }
    spreads = {words: item for words, item in result.items() if isinstance(item, PerturbationSpread)}
    if len(spreads) < len(result):
        return
    with refusals_in_place("The spread in these models cannot be compared"):
        figure_panel(title, spread_comparison(spreads), spread_code(models), key="spread_beside")


def spread_code(models: list[OpenPrompt]) -> str:
    """The lines that make the figure again."""
    opened = ", ".join(f"{title!r}: {model_code(item)}" for title, item in models_with_titles(models))
    return f"""from headscope import analyse, load
from headscope.interp.collapse.tokens.spread_comparison import spread_comparison

prompt, models = {models[0].key.prompt!r}, {{{opened}}}
found = {{name: analyse(model, prompt, [{NAME!r}], prepend_bos={models[0].bos}) for name, model in models.items()}}
spread_comparison({{name: item[{NAME!r}] for name, item in found.items()}}).figure()"""
