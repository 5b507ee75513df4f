"""Packs what the stacks run: zips whose bytes depend on their content alone, named by their digest."""
