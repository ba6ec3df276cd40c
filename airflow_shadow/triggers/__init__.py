"""The waiting logic, driven in the triggerer."""
