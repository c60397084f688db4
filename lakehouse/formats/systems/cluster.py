"""Logs of supercomputers as their archive (CFDR) has them: Blue Gene, Thunderbird, HPC. Pure.

A line begins with the mark of an alert (`-` for none), an epoch in seconds, a date and a node; what
follows is Blue Gene's own head or one of syslog. HPC's has a number, a node and a state first.
"""

from __future__ import annotations

import re

from lakehouse.formats.systems.pattern import by_pattern

_HEAD = r"(?P<alert>\S{1,64}) (?P<timestamp>\d{9,10}) \d{4}\.\d\d\.\d\d (?P<host>\S{1,128}) "
_BLUE_GENE = re.compile(
    _HEAD + r"\d{4}-\d\d-\d\d-\d\d\.\d\d\.\d\d\.\d{6} \S{1,128} (?P<facility>\S{1,32}) "
    r"(?P<logger>\S{1,32}) (?P<level>[A-Z]{1,16})(?: (?P<message>.*))?"
)
_SYSLOG = re.compile(
    _HEAD + r"[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d (?P<source>\S{1,128})"
    r"(?: (?P<logger>[^\s\[\]:]{1,128})(?:\[(?P<pid>\d{1,9})\])?:)? ?(?P<message>.*)"
)
_HPC = re.compile(
    r"(?P<number>\d{1,9}) (?P<host>\S{1,128}) (?P<logger>\S{1,64}) (?P<state>\S{1,64}) "
    r"(?P<timestamp>\d{9,10}) (?P<flag>\d) (?P<message>.*)"
)
FORMAT = by_pattern("cluster", "log of a supercomputer", [_BLUE_GENE, _SYSLOG, _HPC], 75)
