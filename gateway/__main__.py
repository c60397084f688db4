"""`python -m gateway`: the gateway."""

from lakehouse.terminal.commands import start

if __name__ == "__main__":
    start("gateway", default="gateway")
