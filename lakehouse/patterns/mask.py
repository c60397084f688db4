"""How the variable parts of a message are masked, in SQL of both engines."""

from __future__ import annotations

# Only the first line of a message counts, and so many characters of it.
LONGEST = 1000
LINE = f"left(split_part(message, chr(10), 1), {LONGEST})"
# Names of 128 bits, hexadecimal numbers, and numbers with what joins them: addresses, times.
HEX = "[0-9a-fA-F]"
MASKED = f"({HEX}{{8}}(-{HEX}{{4}}){{3}}-{HEX}{{12}}|0x{HEX}+|{HEX}{{16,}}|[0-9]+([.:,][0-9]+)*)"
