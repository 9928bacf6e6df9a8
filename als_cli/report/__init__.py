"""The HTML report: stored artifacts in, one self-contained page out."""
