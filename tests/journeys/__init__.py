"""Journeys: people at real browsers, over a running city of real processes, real lines and real disks."""
