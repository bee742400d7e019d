"""What the post claims, judged by rules: numbers and a verdict for each claim of words.toml."""

import common as common  # says what to do if this Python has no NumPy
