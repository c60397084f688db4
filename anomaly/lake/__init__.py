"""Detection on a lake: minutes closed, folded, incidents written."""
