"""The pages of incidents: the list, one of them, its rows and its story."""
