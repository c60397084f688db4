"""Log files as people have them: found, recognised and opened. Nothing is imported here."""
