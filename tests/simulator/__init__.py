"""The whole city under one seeded world: production code, virtual time, and every fault of a bad line.

Depth 1: real nodes (``sync.node``, ``core.store.office``, ``village_agent.intake``) on SQLite files in memory that
survive the crashed object. What is simulated is only what production takes in through a port: clock and chance
(``core.clock.World``), the line (``sync.transport.base.Transport``), the chunk store, and the people.

Depth 2: the same on disks that keep only what was synced (``platter``, by the SQLite VFS in ``vfs``). ``cuts`` takes
every I/O operation of every deed apart; ``seed N --depth 2`` lets the city live on such disks. docs/simulator.md says
what is simulated and what is not.

Not yet: restore from an old backup, clones, sticks and version skew have their rows in ``faults.FAULTS``, switched
off; they come with the epochs work.
"""
