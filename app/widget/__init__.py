"""A notebook's widget and a page that needs no Python: the drawings of the app, in a cell."""
