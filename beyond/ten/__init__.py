"""What is true of 0 against 1 and not of ten digits at once?"""
