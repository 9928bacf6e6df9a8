"""Reports as tables for people, one file per command; 80 columns."""
