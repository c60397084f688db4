"""Lines of systems whose form is fixed: a pattern each."""
