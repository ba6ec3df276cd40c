"""Text from outside: parsed within limits, and shortened for messages."""
