"""`python -m streaming`: its commands; without one it streams."""

from lakehouse.terminal.commands import start

if __name__ == "__main__":
    start("streaming", default="stream")
