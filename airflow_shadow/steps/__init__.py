"""What each operator and sensor does, step by step; imported when a task runs, not before."""
