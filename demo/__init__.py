"""The main job on a laptop: `make demo`."""
