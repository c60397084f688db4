"""A lake that is served by PostgreSQL's protocol, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from support.lakes import Lake
from support.postgres import served
from support.sites import running


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two batches."""
    return running(tmp_path_factory.mktemp("postgres"))


@pytest.fixture(scope="module")
def port(lake: Lake) -> Iterator[int]:
    """Where its tables are served."""
    with served(lake.places) as found:
        yield found


@pytest.fixture
def client(port: int) -> Iterator[psycopg.Connection[Any]]:
    """psycopg, a statement a transaction."""
    address = f"host=127.0.0.1 port={port} user=me dbname=logpond"
    with psycopg.connect(address, autocommit=True) as found:
        yield found
