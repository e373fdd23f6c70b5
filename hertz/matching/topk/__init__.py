"""The exact mutual top-k search, full and incremental, on a CPU or a GPU."""
