"""Rules of one's own: what they told in the last 30 days, and a filter tried as one."""
