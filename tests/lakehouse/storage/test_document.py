"""What docs/bucket.md shows is run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.bucket import Bucket

PAGE = (Path(__file__).parents[3] / "docs" / "bucket.md").read_text()


@pytest.mark.slow
def test_its_commands_work(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the keys of `[storage]`, and nothing of Amazon's own variables."""
    script = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[0]
    (tmp_path / "lines.log").write_text('{"service": "a", "timestamp": "2026-05-01T10:00:00Z"}\n')
    (tmp_path / "secret").write_text(bucket.server.secret_key)
    for name in bucket.variables():
        monkeypatch.delenv(name)
    own = {
        "LOGPOND_LAKE": bucket.url,
        "LOGPOND_STORAGE_ENDPOINT": bucket.server.endpoint,
        "LOGPOND_STORAGE_ACCESS_KEY": bucket.server.access_key,
        "LOGPOND_STORAGE_SECRET_KEY_FILE": str(tmp_path / "secret"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    ran = subprocess.run(
        ["bash", "-euc", script],
        cwd=tmp_path,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "ok: 1 records" in ran.stdout
    assert bucket.server.secret_key not in ran.stdout + ran.stderr
