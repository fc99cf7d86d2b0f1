"""Frame: what surrounds a page's panels, its controls, choosers and notes."""
