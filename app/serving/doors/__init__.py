"""Who may speak to the app, and which folders of this computer it opens."""
