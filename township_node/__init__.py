"""The township centre: checks and forwards."""
