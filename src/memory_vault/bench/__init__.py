"""Measures how well recall finds what a question needs, through the public API only."""
