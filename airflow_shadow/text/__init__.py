"""Text that came from outside: read within limits, and shortened for messages."""
