"""What `logpond doctor` looks at, a file a place: this machine, other programs, the lake."""
