"""Python code: the lines that make a figure of a page again, in a notebook."""

from app.page import Opened
from interp.choices import Choices
from models import zoo


def model_code(opened: Opened) -> str:
    """The expression that opens the model."""
    folder = opened.key.folder
    shipped = [name for name in zoo.names() if str(zoo.folder(name)) == folder]
    return f"load({(shipped[0] if shipped else folder)!r})"


def asked_code(opened: Opened) -> str:
    """The lines that open the model as `model` and read the prompt into `asked`, with the imports they need."""
    return f"""from interp.analyse import asked_of
from interp.choices import Choices
from models import load

model, prompt = {model_code(opened)}, {opened.key.prompt!r}
asked = asked_of(model, [prompt], Choices(), prepend_bos={opened.bos})"""


def analysis_code(opened: Opened, name: str, choices: Choices = Choices(), figure: str = "") -> str:  # noqa: B008
    """The lines that analyse the open prompt and draw one result; figure: another call than result.figure()."""
    given = {field: value for field, value in vars(choices).items() if value != getattr(Choices(), field)}
    options = f", choices=Choices({', '.join(f'{field}={value!r}' for field, value in given.items())})" if given else ""
    options += ", prepend_bos=True" if opened.bos else ""
    lines = [
        "from interp.analyse import analyse",
        *(["from interp.choices import Choices"] if given else []),
        "from models import load",
        "",
        f"prompt = {opened.key.prompt!r}",
        f'result = analyse({model_code(opened)}, prompt, ["{name}"]{options})["{name}"]',
        figure or "result.figure()",
    ]
    return "\n".join(lines)
