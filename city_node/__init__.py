"""The city: accepts, approves, supervises, reconciles, publishes."""
