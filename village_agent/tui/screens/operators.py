"""Who may open this machine: the operators, another one, or a new PIN for one who forgot it."""

from collections.abc import Iterator
from typing import ClassVar

from textual import events, work
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from core.errors import InputError, LiandongError
from village_agent.first_run import check_pins
from village_agent.tui.base import DeskScreen, key
from village_agent.tui.setup import Answer
from village_agent.tui.window_list import Row, WindowList
from village_agent.tui.words import painted
from village_agent.vault import Operator, add_operator, check_name, operators, remove_operator

NEW = "+"
FIELD_OF = {"vault.operator_name": "operator", "setup.pins_differ": "again"}


class OperatorsScreen(DeskScreen):
    """Enter on a name gives it a new PIN, Enter on the last line adds somebody."""

    TITLE_KEY = "operators"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "choose", "key.choose"),
        key("delete", "remove", "key.remove_operator"),
    ]

    class Kept(Message):
        """The PIN is set, or why it is not."""

        def __init__(self, name: str, error: LiandongError | None) -> None:
            super().__init__()
            self.name, self.error = name, error

    def __init__(self) -> None:
        super().__init__()
        self._chosen: Operator | None = None
        self._is_busy = False

    def body(self) -> Iterator[Widget]:
        with Vertical(id="body"):
            yield WindowList(id="choices")
            with Vertical(id="person"):
                yield Static(id="asked", markup=False)
                yield Answer("operator", self.words("setup.operator_name"), "")
                yield Answer("pin", self.words("setup.operator_pin"), "", hidden=True)
                yield Answer("again", self.words("setup.operator_again"), "", hidden=True, last=True)

    def on_mount(self) -> None:
        self.query_one("#asked").styles.height = "auto"
        self.query_one("#choices").styles.height = 9
        self._show()

    def _show(self) -> None:
        known = operators(self.desk.village.installation.folder)
        rows = [Row(one.id, f"{one.name} ({one.id})") for one in known]
        rows.append(Row(NEW, f"+ {self.words('operator_new')}"))
        self.query_one(WindowList).show(len(rows), lambda at, most: rows[at : at + most])
        self.query_one("#person").display = False
        self.query_one(WindowList).focus()

    def action_choose(self) -> None:
        self.query_one(WindowList).action_choose()

    def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        known = operators(self.desk.village.installation.folder)
        free = next(
            f"a{number}" for number in range(1, len(known) + 2) if f"a{number}" not in {o.id for o in known}
        )
        self._chosen = next((one for one in known if one.id == event.row.id), Operator(free, ""))
        self.tell("")
        asked = "operator_new" if event.row.id == NEW else "operator_new_pin"
        self.query_one("#asked", Static).update(painted(f"\n{self.words(asked)} ({self._chosen.id})"))
        self.query_one("#person").display = True
        for name, value in (("operator", self._chosen.name), ("pin", ""), ("again", "")):
            self.query_one(f"#{name}", Input).value = value
        self.query_one("#operator").focus()

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape" and self.query_one("#person").display:
            event.stop()
            event.prevent_default()
            self.tell("")
            self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        value = {name: self.query_one(f"#{name}", Input).value for name in ("operator", "pin", "again")}
        if self._chosen is None or self._is_busy:
            return
        try:
            name, pin = check_name(value["operator"]), check_pins(value["pin"], value["again"])
        except InputError as error:
            self.tell_error(error)
            self.query_one(f"#{FIELD_OF.get(error.code, 'pin')}").focus()
            return
        self._is_busy = True
        self.tell(self.words("operator_keeping"))
        self._keep(Operator(self._chosen.id, name), pin)

    @work(thread=True, exit_on_error=False)
    def _keep(self, operator: Operator, pin: str) -> None:
        """Stretching the PIN takes a moment: not on the thread that paints."""
        installation = self.desk.village.installation
        error: LiandongError | None = None
        try:
            key_ = installation.db.raw_key
            assert key_ is not None
            add_operator(installation.folder, key_, operator.id, operator.name, pin, self.desk.world)
        except LiandongError as refused:
            error = refused
        self.post_message(self.Kept(operator.name, error))

    def on_operators_screen_kept(self, event: Kept) -> None:
        self._is_busy = False
        if event.error is not None:
            self.tell_error(event.error)
            return
        self._show()
        self.tell(self.words("operator_kept", name=event.name))

    def action_remove(self) -> None:
        row = self.query_one(WindowList).current
        if row is None or row.id in ("", NEW) or self.query_one("#person").display:
            return
        if row.id == self.desk.actor.officer:
            self.tell(self.words("operator_self"))
            return
        try:
            remove_operator(self.desk.village.installation.folder, row.id)
        except LiandongError as error:
            self.tell_error(error)
            return
        self._show()
        self.tell(self.words("operator_removed", name=row.text))
