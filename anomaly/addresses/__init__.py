"""Single addresses: rules over sliding minutes, with bounded state. Pure."""
