"""Other threats than the one trained for: other balls, few pixels, surrogates, shifts."""
