"""What all pages share: guard, rendering, live parts."""
