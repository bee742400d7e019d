"""How much of it is chance: seeds, folds, and a sweep over every ε."""
