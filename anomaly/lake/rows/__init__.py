"""What is judged by the rows of `logs` that closed minutes counted: addresses and patterns."""
