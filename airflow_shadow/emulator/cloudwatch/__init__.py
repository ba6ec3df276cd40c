"""CloudWatch: the metrics of endpoints, computed from their traffic when they are read."""
