"""Ledgers (台账): what came in, what was decided, how fast, and how people liked it."""
