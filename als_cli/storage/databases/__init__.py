"""Lists in databases: tables of versions, and views that lead to the published one."""
