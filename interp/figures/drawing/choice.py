"""Choice: one figure that shows one of several views, with a menu to choose from."""

from collections.abc import Sequence

from headscope.interp.figures.palette.properties import Properties


def menu_layout(names: Sequence[str], per_view: int = 1, first: int = 0) -> Properties:
    """The layout of a menu over a figure whose traces come view by view, per_view of them each; no menu for one view.

    first: the view that is shown at first; give the traces of all others visible=False.
    """
    if len(names) < 2:
        return {}
    buttons = [
        {"label": name, "method": "restyle", "args": [{"visible": [i // per_view == view for i in range(count)]}]}
        for count in [len(names) * per_view]
        for view, name in enumerate(names)
    ]
    place = {"x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "pad": {"b": 6}}
    return {"updatemenus": [{"buttons": buttons, "active": first, "showactive": True, **place}]}
