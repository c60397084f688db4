"""A skip index: what a data file may hold, so that a question for a needle reads few files.

An entry is about one data file, which never changes: it is right at every version that has the
file. A file without an entry is read, so whatever is missing, damaged or of another format costs
time and never a row.
"""
