"""The page Explore: rows, facets, histogram, live tail."""
