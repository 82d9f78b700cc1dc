"""The toolkit remembers the colours of a border by the cache that asked, and so keeps the last thousand caches, each with the
lines of a page that nobody looks at any more: some thirty megabytes. Here they are remembered by the colours alone.
"""

from functools import lru_cache

from textual._styles_cache import StylesCache
from textual.color import Color
from textual.style import Style


@lru_cache(256)
def _inner_outer(base: Color, background: Color) -> tuple[Style, Style]:
    return Style(background=base + background), Style(background=base)


def keep_no_pages() -> None:
    """Let pages that were left go."""
    StylesCache.get_inner_outer = lambda cache, base, background: _inner_outer(base, background)  # type: ignore[method-assign, assignment]
