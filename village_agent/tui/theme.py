"""The colours of the terminal, chosen so that a console of sixteen shows every text clearly on what is behind it."""

from textual.theme import Theme

# What each becomes where there are sixteen colours: blue, black, white, light grey, bright red, yellow.
BLUE, BLACK, DARK, WHITE, GREY, RED, YELLOW = (
    "#1030a8",
    "#101010",
    "#202020",
    "#f0f0f0",
    "#b4b4b4",
    "#ff6060",
    "#ffe060",
)
DESK_THEME = Theme(
    name="desk",
    primary=BLUE,
    secondary=BLUE,
    accent=YELLOW,
    warning=YELLOW,
    error=RED,
    success=WHITE,
    foreground=WHITE,
    background=BLACK,
    surface=DARK,
    panel=DARK,
    boost=DARK,
    dark=True,
    variables={
        "text": WHITE,
        "text-muted": GREY,
        "text-disabled": GREY,
        "scrollbar": GREY,
        "scrollbar-hover": GREY,
        "scrollbar-active": WHITE,
        "scrollbar-background": BLACK,
        "scrollbar-background-hover": BLACK,
        "scrollbar-background-active": BLACK,
        "scrollbar-corner-color": BLACK,
        "input-cursor-background": WHITE,
        "input-cursor-foreground": BLACK,
        "input-selection-background": BLUE,
    },
)
