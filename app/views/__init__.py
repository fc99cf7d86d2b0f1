"""Views: the pages of the app."""
