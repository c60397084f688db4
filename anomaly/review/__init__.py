"""Looks again at incidents: explains, draws, recounts and backtests them."""
