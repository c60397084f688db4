"""The schema registry: who is asked, within which bounds, and what it said."""
