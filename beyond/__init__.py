import common as common  # says what to do if this Python has no NumPy
