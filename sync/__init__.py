"""Carries messages between three tiers and knows no case."""
