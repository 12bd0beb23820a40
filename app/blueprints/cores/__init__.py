"""Cores: the old parts that suppliers take back, and what became of each."""
