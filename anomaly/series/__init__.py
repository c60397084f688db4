"""Scores any series row by row, by a committee of simple statistics.

Each statistic of the last rows keeps the range that it has had. When it leaves the range it votes
for a while. The score reaches 0.5, which is an alert, when enough families vote at the same time.
An alert is followed by a pause. A score uses only its row and the rows before it.
"""
