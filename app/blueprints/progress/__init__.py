"""How the work goes on: what customers are told of it, and what staff say among themselves."""
