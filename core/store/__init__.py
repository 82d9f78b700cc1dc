"""Where facts become durable: the engine and its migrations."""

RAW_KEY_BYTES = 32
"""Of the key that opens an encrypted database."""
