"""The pure fold: closed minutes in, incidents out."""
