"""The township's command line: the common commands and the desk's."""

from core.desk.commands import add_desk_commands
from core.identifiers import Tier
from sync.cli import node_group
from sync.command_line import Program
from sync.environment import SystemWorld
from township_node.app import CHAINS, beat, open_township
from township_node.desk import build_desk, open_desk

PROGRAM = Program(
    tier=Tier.TOWNSHIP,
    name="township-node",
    chains=CHAINS,
    open=lambda folder: open_township(folder, SystemWorld()),
    desk=build_desk,
    beat=beat,
)

main = node_group(PROGRAM)
add_desk_commands(main, Tier.TOWNSHIP, open_desk)
