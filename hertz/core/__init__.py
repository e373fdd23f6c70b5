"""What every other package may use: errors, logs, processors and Korean particles."""
