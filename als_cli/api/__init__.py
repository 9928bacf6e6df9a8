"""als-cli as a library: datasets and models in Python, with polars tables in and out."""
