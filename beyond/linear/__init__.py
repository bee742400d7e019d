"""How good can a robust linear classifier be, and what does SGD reach of it?"""
