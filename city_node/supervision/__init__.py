"""Electronic supervision (电子监察): which card hangs on what, who was told, and what was said about it."""
