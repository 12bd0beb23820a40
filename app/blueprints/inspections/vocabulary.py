"""The words of inspections."""

from __future__ import annotations

CONDITIONS = ("green", "yellow", "red", "not_checked")
INSPECTION_STATES = ("open", "finished", "validated")
URGENCIES = ("now", "soon", "later")
STATES = ("open", "taken", "declined", "done", "dismissed")
# What is offered again at each visit until somebody takes it.
OFFERED = ("open", "declined")
# What may become of a recommendation. Work that is done, and advice that is withdrawn, are history.
STEPS: dict[str, tuple[str, ...]] = {
    "open": ("taken", "declined", "done", "dismissed"),
    "declined": ("open", "taken", "done", "dismissed"),
    "taken": ("open", "declined", "done"),
    "done": (),
    "dismissed": (),
}
# What a line is that was put off. A discount is on the whole.
LINE_KINDS = ("labour", "part", "fee")
MOST_POINTS = 200
MOST_RECOMMENDATIONS = 50  # of an inspection
