"""python -m beyond.threats"""

from beyond.threats import threats
from common import cli

if __name__ == "__main__":
    cli.run(threats.main)
