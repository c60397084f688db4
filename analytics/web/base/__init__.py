"""What every page shares: guard, rendering, live parts."""
