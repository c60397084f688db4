"""What detection reads of `logs` itself: exactly the rows that closed minutes counted."""
