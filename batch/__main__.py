"""`python -m batch`: its commands, without those of other rooms."""

from lakehouse.terminal.commands import start

if __name__ == "__main__":
    start("batch")
