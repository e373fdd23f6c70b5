"""The routes that write to the intake: register, update, delete, block and unblock users."""
