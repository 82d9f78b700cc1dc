"""The village terminal; the only room that knows Textual."""
