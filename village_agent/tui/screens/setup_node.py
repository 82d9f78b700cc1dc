"""The next three steps: which village this is, where its township is, and who may open this machine."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from textual import events, work
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from core.errors import InputError, LiandongError
from core.identifiers import NodeId
from core.regions import load_yuanjiang
from village_agent import founding
from village_agent.first_run import (
    CONTACT_PORT,
    ENROL_PORT,
    Plan,
    Step,
    address_of,
    check_pins,
    village_of,
)
from village_agent.session import Session
from village_agent.tui.base import key
from village_agent.tui.setup import Answer, Setup, SetupScreen
from village_agent.tui.window_list import Row, WindowList
from village_agent.vault import PIN_CHARS_MAX, PIN_CHARS_MIN, check_name, has_vault, operators

FOUND_SHOWN = 8


class VillageScreen(SetupScreen):
    """By code or by name; only a village of the table goes on."""

    STEP = Step.VILLAGE
    BINDINGS: ClassVar[list[BindingType]] = [
        key("down", "mark(1)", "", shown=False),
        key("up", "mark(-1)", "", shown=False),
    ]

    def body(self) -> Iterator[Widget]:
        yield from super().body()
        yield Answer(
            "node", self.words("setup.village_label"), self.typed("node", self.setup.plan.node), last=True
        )
        yield WindowList(id="choices")

    def on_mount(self) -> None:
        self.query_one("#choices", WindowList).styles.height = FOUND_SHOWN
        # The pen stays in the line above it.
        self.query_one("#choices", WindowList).can_focus = False
        self.query_one(Input).focus()
        self._search(self.value("node"))

    def on_input_changed(self, event: Input.Changed) -> None:
        self._search(event.value)

    def on_key(self, event: events.Key) -> None:
        if event.key in ("up", "down"):
            event.stop()
            self.action_mark(-1 if event.key == "up" else 1)

    def action_mark(self, by: int) -> None:
        self.query_one("#choices", WindowList).action_move(by)

    def _search(self, text: str) -> None:
        table = load_yuanjiang()
        code, _, device = text.strip().partition("-")
        found = [one for one in table.search(code, limit=50) if one.tier == "village"]
        behind = f"-{device}" if device else ""
        rows = [Row(f"{one.code}{behind}", f"{one.code}  {table.full_name(one.code)}") for one in found]
        self.query_one("#choices", WindowList).show(
            len(rows), lambda at, most: rows[at : at + most], cursor=0
        )
        if len(rows) > FOUND_SHOWN:
            self.tell(self.words("setup.village_more", count=len(rows)))
        elif text.strip() and not rows:
            self.tell(self.words("setup.village_none"))
        else:
            self.tell("")

    def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        self.query_one(Input).value = event.row.id
        self.action_go_on()

    def action_go_on(self) -> None:
        text, marked = self.value("node").strip(), self.query_one("#choices", WindowList).current
        is_code = text[:12].isdigit() and len(text) >= 12
        if not is_code and marked is not None:
            text = marked.id
        try:
            node = village_of(text, load_yuanjiang())
            self._take_back_if_other(node)
        except LiandongError as error:
            self.tell_error(error)
            return
        self.setup.typed.pop("node", None)
        self.decide(node=node)

    def _take_back_if_other(self, node: NodeId) -> None:
        desk = self.setup.desk
        if desk is not None and desk.village.installation.node.place.node != node:
            self.desk_app.look_no_more()
            self.setup.key = founding.take_back(desk)
            self.setup.desk = None
            self.desk_app.hold(None)


class AddressScreen(SetupScreen):
    """Where the township answers; without it the machine is set up and joins nothing."""

    STEP = Step.ADDRESS
    BINDINGS: ClassVar[list[BindingType]] = [key("f8", "skip", "key.skip")]

    def body(self) -> Iterator[Widget]:
        plan = self.setup.plan
        yield self.text("setup.address_text", contact=CONTACT_PORT, enrol=ENROL_PORT)
        yield Answer(
            "contact", self.words("setup.address_contact"), self.typed("contact", _shown(plan.contact))
        )
        yield Answer(
            "enrol", self.words("setup.address_enrol"), self.typed("enrol", _shown(plan.enrol)), last=True
        )

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def action_go_on(self) -> None:
        contact, enrol = self.value("contact"), self.value("enrol")
        if not contact.strip():
            self.tell(self.words("setup.address_without"))
            return
        try:
            parent = address_of(contact, CONTACT_PORT)
            door = address_of(enrol or parent.rpartition(":")[0], ENROL_PORT)
        except InputError as error:
            self.tell_error(error)
            return
        self._keep(parent, door)

    def action_skip(self) -> None:
        self._keep("", "")

    def _keep(self, contact: str, enrol: str) -> None:
        desk = self.setup.desk
        changed = replace(self.setup.plan, contact=contact, enrol=enrol)
        try:
            if desk is not None:
                self.setup.desk = founding.readdress(desk, changed, self.setup.world)
                self.desk_app.hold(self.setup.desk)
        except LiandongError as error:
            self.tell_error(error)
            return
        self.decide(contact=contact, enrol=enrol)


def _shown(address: str) -> str:
    return address.removeprefix("https://")


class OperatorScreen(SetupScreen):
    """A name and a PIN typed twice; then the node is set up under it."""

    STEP = Step.OPERATOR

    class Secured(Message):
        """The node is set up under its PIN, or why it is not."""

        def __init__(self, desk: Session | None, error: LiandongError | None) -> None:
            super().__init__()
            self.desk, self.error = desk, error

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._is_busy = False
        self._is_set = setup.desk is not None or setup.key is not None
        # The PIN was chosen and the node is not there: the power went in between.
        self._is_half_done = not self._is_set and has_vault(setup.folder)
        self._known = operators(setup.folder)[0].name if self._is_set or self._is_half_done else ""

    def body(self) -> Iterator[Widget]:
        if self._is_half_done:
            yield self.text("setup.operator_known", name=self._known)
            yield Answer("pin", self.words("setup.operator_pin"), self.typed("pin"), hidden=True, last=True)
            return
        yield self.text("setup.operator_text", least=PIN_CHARS_MIN, most=PIN_CHARS_MAX)
        if self._is_set:
            yield self.text("setup.operator_set", name=self._known)
        name = self.typed("operator", self.setup.plan.operator or self._known)
        yield Answer("operator", self.words("setup.operator_name"), name)
        yield Answer("pin", self.words("setup.operator_pin"), self.typed("pin"), hidden=True)
        yield Answer("again", self.words("setup.operator_again"), self.typed("again"), hidden=True, last=True)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def action_go_on(self) -> None:
        if self._is_busy:
            return
        try:
            name, pin = self._judged()
        except InputError as error:
            self.tell_error(error)
            self.query_one(f"#{FIELD_OF.get(error.code, 'pin')}").focus()
            return
        self._is_busy = True
        self.tell(self.words("setup.founding"))
        self._secure(replace(self.setup.plan, operator=name), pin)

    def _judged(self) -> tuple[str, str]:
        """Name and PIN; an empty PIN keeps the one that is set. Raises ``InputError``."""
        if self._is_half_done:
            return self._known, self.value("pin")
        name, pin, again = check_name(self.value("operator")), self.value("pin"), self.value("again")
        # The name is sealed in with the PIN: another name takes the PIN again.
        keeps = self._is_set and name == self._known and not pin and not again
        return name, "" if keeps else check_pins(pin, again)

    @work(thread=True, exit_on_error=False)
    def _secure(self, plan: Plan, pin: str) -> None:
        """Stretching the PIN and making the database take a second: not on the thread that paints."""
        setup = self.setup
        try:
            desk = founding.secure(setup.folder, plan, pin, setup.world, desk=setup.desk, key=setup.key)
        except LiandongError as error:
            self.post_message(self.Secured(None, error))
        else:
            self.post_message(self.Secured(desk, None))

    def on_operator_screen_secured(self, event: Secured) -> None:
        self._is_busy = False
        if event.desk is None:
            if event.error is not None:
                self.tell_error(event.error)
            return
        self.desk_app.hold(event.desk)
        self.setup.desk, self.setup.key = event.desk, None
        for secret in ("pin", "again"):
            self.setup.typed.pop(secret, None)
        self.decide(operator=event.desk.actor.name)


FIELD_OF = {"vault.operator_name": "operator", "setup.pins_differ": "again"}
SCREENS: tuple[type[SetupScreen], ...] = (VillageScreen, AddressScreen, OperatorScreen)
