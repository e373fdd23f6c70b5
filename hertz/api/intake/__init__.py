"""The write routes: register, update, delete, block."""
