"""Erases what a lake holds of a person: rows, files of older versions, and texts that repeat them.

What is erased, and where it may be, is known by values (`request`); `erase` goes from place to
place, and may be killed between any two steps: the same call again finds what is left.
"""
