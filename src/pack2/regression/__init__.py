"""Regressions: an accepted baseline, and whether a later run is worse by the guide's rules."""
