"""Boosting: weak votes that add up."""
