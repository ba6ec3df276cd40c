"""What each operator does, step by step; imported when a task runs, not when a Dag is parsed."""
