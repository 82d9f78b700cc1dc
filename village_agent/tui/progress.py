"""How far something has come, drawn with signs that every console draws in one cell."""

BAR_CELLS = 30


def bar(done: int, total: int, cells: int = BAR_CELLS) -> str:
    """``[##########....................]  33 %``; empty where the whole is not known."""
    if total <= 0:
        return ""
    part = min(1.0, done / total)
    full = int(part * cells)
    return f"[{'#' * full}{'.' * (cells - full)}] {int(part * 100):>3} %"
