"""The page of the emulator, as a browser shows it."""
