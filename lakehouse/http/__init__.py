"""What every HTTP server of ours keeps to: bounds on work and sockets, known hosts, tokens."""
