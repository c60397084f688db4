"""The page Tables: sizes, small files, hours, upkeep."""
