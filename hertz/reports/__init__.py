"""The run's report: figures in, one self-contained page or Markdown out; no disk, no network."""
