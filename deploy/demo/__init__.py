"""Seven real nodes on this machine, a day's applications, a line that fails, and the books compared at the end."""
