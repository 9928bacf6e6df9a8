"""Input tables: files of any supported format as lazy scans, and `where` conditions on their columns."""
