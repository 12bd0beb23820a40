"""The OpenAPI document: drawn by flask-smorest from the routes, completed here from their contracts.

What a route's decorators do not say themselves follows from its contract: the headers, the refusals it can answer with,
their examples, and what security it asks for. The result is written to `app/static/swagger.yaml` and committed; a test holds
the file against the code.
"""
