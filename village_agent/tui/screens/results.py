"""Results that lie here to be handed over; Enter begins the handing over."""

from core.identifiers import CaseId
from core.states import DECIDED
from village_agent.app import Village
from village_agent.case_list import CaseList
from village_agent.tui.screens.cases import CasesScreen
from village_agent.tui.window_list import WindowList


def results(village: Village) -> CaseList:
    """Decided cases on this desk."""
    return CaseList(village, states=tuple(DECIDED), mine=True)


class ResultsScreen(CasesScreen):
    """The last moved first."""

    def __init__(self) -> None:
        super().__init__("mine")

    def title_words(self) -> str:
        return self.words("results")

    def _source(self) -> CaseList:
        return results(self.desk.village)

    def on_window_list_chosen(self, event: WindowList.Chosen) -> None:
        from village_agent.tui.screens.hand_over import HandOverScreen

        # Not to the page of the case, as every other list.
        event.prevent_default()
        self.app.push_screen(HandOverScreen(CaseId(event.row.id)))
