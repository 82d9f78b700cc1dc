"""The catalogue and the calendar as people work on them: versions, a draft, a check, a second officer, publication."""
