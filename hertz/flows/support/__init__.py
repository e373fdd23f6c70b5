"""What the flows share: parameters, artifacts, waiting for the home, running stages."""
