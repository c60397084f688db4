"""Measures detection: injects trouble into real and synthetic rates, and counts what is found."""
