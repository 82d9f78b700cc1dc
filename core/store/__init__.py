"""Where facts become durable: the engine and its migrations."""
