"""Whose coins stand behind a position."""

from enum import StrEnum


class MarginMode(StrEnum):
    ISOLATED = "isolated"
    CROSS = "cross"
    PORTFOLIO = "portfolio"
