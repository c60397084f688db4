"""Detection for single addresses: rules over sliding minutes, with bounded state. Pure."""
