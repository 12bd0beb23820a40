"""Parts, suppliers and stock as tables: written out, and read in."""
