"""An event: its fields, its schema, its forms as message and as a line of text."""
