"""Torture: one city, one township and two villages as real processes on real files, treated as badly as real life does.

Whoever was given a number is written into a ledger outside of every node; at the end the city is held against it.
"""
