"""How satisfied people were: every rating once in a register, counted by department and by place of registration."""
