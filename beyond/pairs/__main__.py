"""python -m beyond.pairs"""

from beyond.pairs import pairs
from common import cli

if __name__ == "__main__":
    cli.run(pairs.main)
