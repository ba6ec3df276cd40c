"""The only package that calls AWS."""
