"""What the browser draws of heads, whichever page stands around it: scripts, styles, and the bytes that they read."""
