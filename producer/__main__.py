"""`python -m producer`: its commands; without one it produces."""

from lakehouse.terminal.commands import start

if __name__ == "__main__":
    start("producer", default="produce")
