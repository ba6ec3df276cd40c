"""The only room that calls AWS."""
