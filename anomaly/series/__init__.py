"""Any series, scored row by row: a committee of simple statistics, each with its own record.

Each statistic of the last rows keeps the range that it has seen. One that leaves it votes for a
while; a score of 0.5, which is an alert, is where enough families of them vote together. After an
alert follows a pause. Nothing but rows already seen is ever used.
"""
