"""What is needed to try and to install Liandong; nothing of it runs inside a node."""
