"""Portable: a plotly figure that carries its picture as SVG, for where plotly's scripts do not run."""

import html
from base64 import b64encode

import plotly.graph_objects as go

from headscope.interp.figures.palette.properties import Properties
from headscope.interp.results.result import PLOTLY, SVG


class PortableFigure(go.Figure):
    """A figure of plotly, as interactive as any other; in a notebook's file it is a picture too.

    Exported HTML and a repository's page show the picture. PortableFigure(figure) makes one of any figure.
    """

    def svg(self) -> str:
        """The picture: the same text every time, drawn without a browser."""
        from headscope.interp.figures.static.svg import svg_of

        return svg_of(self)

    def picture_html(self, wide: int) -> str:
        """The picture as an element of a page, so many pixels wide."""
        data = b64encode(self.svg().encode()).decode()
        return f"<img width='{wide}' alt='{html.escape(self._words())}' src='data:image/svg+xml;base64,{data}'>"

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None, validate: bool = True, **options: object
    ) -> Properties:
        """What plotly shows here, and the picture. Where plotly gives its JSON, a page of scripts is not needed."""
        bundle = dict(super()._repr_mimebundle_(include, exclude, validate, **options))
        if PLOTLY in bundle:
            bundle.pop("text/html", None)
        return bundle | {SVG: self.svg(), "text/plain": self._words()}

    def _ipython_display_(self) -> None:
        """As plotly does, with the picture where plotly would give data to a notebook."""
        import plotly.io as pio

        if "plotly_mimetype" not in str(pio.renderers.default) or not pio.renderers.render_on_display:
            super()._ipython_display_()
            return
        from IPython.display import display

        display(self._repr_mimebundle_(), raw=True)

    def _words(self) -> str:
        """The title, in one line."""
        from headscope.interp.figures.static.words import shown_words

        title = shown_words(self.layout["title"]["text"])
        return f"Figure({' '.join(title.split())})"
