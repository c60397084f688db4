"""The kinds of receivers: each module here has one class, `Kind`."""
