"""One module per stage: each reads the rows that lack its output and commits once per page or batch."""
