"""Text that came from outside: read within limits, as what it means, and shortened to be shown."""
