"""How the pages write times, by language."""
