"""Detection on a lake: folds closed minutes, and writes incidents."""
