"""The only module that calls AWS."""
