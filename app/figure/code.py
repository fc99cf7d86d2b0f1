"""Python code: the lines that make a figure of a page again, in a notebook."""

from headscope.app.frame.page import OpenPrompt
from headscope.app.serving.image_names import image_code
from headscope.interp.asking.choices import Choices
from headscope.models import zoo


def model_code(opened: OpenPrompt) -> str:
    """The expression that opens the model."""
    folder = opened.key.folder
    shipped = [name for name in zoo.names() if str(zoo.folder(name)) == folder]
    given = f", given={dict(opened.key.given)}" if opened.key.given else ""
    model = f"load({(shipped[0] if shipped else folder)!r}{given})"
    return f"mixers({model})" if opened.key.mixers else model


def opening_names(opened: OpenPrompt) -> str:
    """What is imported from headscope to open the model."""
    return "load, mixers" if opened.key.mixers else "load"


def prompt_code(opened: OpenPrompt) -> tuple[str, str]:
    """The line that imports what makes the prompt, if any is needed, and the expression of the prompt."""
    if opened.facts.modality.reads_ids:
        return "", repr(opened.key.prompt)
    need, image = image_code(opened.key.prompt)
    return f"{need}\n", image


def both_code(opened: OpenPrompt) -> str:
    """The lines that set model and prompt; an image is made for its model."""
    model, (need, prompt) = model_code(opened), prompt_code(opened)
    return f"model = {model}\nprompt = {prompt}" if need else f"model, prompt = {model}, {prompt}"


def asked_code(opened: OpenPrompt) -> str:
    """The lines that open the model as `model` and read the prompt into `asked`, with the imports they need."""
    return f"""from headscope import Choices, {opening_names(opened)}
from headscope.interp.asking.analyse import asked_of
{prompt_code(opened)[0]}
{both_code(opened)}
asked = asked_of(model, [prompt], Choices(), prepend_bos={opened.bos})"""


def bos_code(opened: OpenPrompt) -> str:
    """The argument that says whether BOS comes first, where there is one to choose."""
    return f", prepend_bos={opened.bos}" if opened.facts.has_bos else ""


def analysis_code(opened: OpenPrompt, name: str, choices: Choices = Choices(), figure: str = "") -> str:  # noqa: B008
    """The lines that analyse the open prompt and draw one result; figure: another call than result.figure()."""
    entry = {field: value for field, value in vars(choices).items() if value != getattr(Choices(), field)}
    options = f", choices=Choices({', '.join(f'{field}={value!r}' for field, value in entry.items())})" if entry else ""
    options += bos_code(opened)
    need, prompt = prompt_code(opened)
    model = "model" if need else model_code(opened)
    lines = [
        f"from headscope import {'Choices, ' if entry else ''}analyse, {opening_names(opened)}",
        *need.splitlines(),
        "",
        both_code(opened) if need else f"prompt = {prompt}",
        f'result = analyse({model}, prompt, ["{name}"]{options})["{name}"]',
        figure or "result.figure()",
    ]
    return "\n".join(lines)
