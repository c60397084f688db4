"""The pages of incidents: the list, and one incident with its rows and minutes."""
