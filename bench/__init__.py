"""The benchmark: `make bench`. bench/RESULTS.md says what it measures and how."""
