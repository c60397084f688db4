"""How good detection is: trouble injected into real and synthetic rates, and counted."""
