"""Which makes and models of cars there are, for people to choose from."""
