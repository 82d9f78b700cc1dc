"""What axe finds on a page as it stands: WCAG 2.1 A and AA, and the best practice of its makers."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]

# One line for each element that a rule objects to.
_FINDINGS = """async tags => {
  const found = await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']});
  return found.violations.flatMap(rule => rule.nodes.map(node =>
    `axe ${rule.id} (${rule.impact}): ${node.target.join(' ')} ${node.failureSummary.replace(/\\s+/g, ' ')} ${node.html.slice(0, 160)}`));
}"""


def findings(page: Page) -> list[str]:
    """Each finding in words, empty if there is none.

    The script goes in through the debugger, as the other checks do: the page's own policy forbids scripts and stays as
    it is served.
    """
    page.evaluate(AXE_SCRIPT)
    return list(page.evaluate(_FINDINGS, TAGS))
