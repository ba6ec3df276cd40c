"""What an experiment is: its statuses, whose it is, when it runs; pure."""
