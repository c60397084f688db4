"""What a form of a page says."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, Request


async def fields(request: Request) -> dict[str, str]:
    """Returns the fields of a form; of what is given twice the first counts."""
    given = parse_qs((await request.body()).decode(errors="replace"), keep_blank_values=True)
    return {name: values[0] for name, values in given.items()}


Fields = Annotated[dict[str, str], Depends(fields)]
