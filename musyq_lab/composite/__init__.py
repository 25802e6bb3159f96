"""Composites: many looks of several sensors made into one value for a period."""
