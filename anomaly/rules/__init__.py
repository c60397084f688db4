"""Rules of one's own: conditions over logs that raise incidents, from files of TOML."""
