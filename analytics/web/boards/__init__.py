"""Boards: kept questions and reports laid out on one page, which is a file in the lake."""
