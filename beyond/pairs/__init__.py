"""Is a claim about robust training, or about 0 and 1? All 45 pairs of digits, on Dask."""
