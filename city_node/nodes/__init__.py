"""The nodes (节点): the whole tree of divisions, how each stands, who is silent; enrolling, replacing and revoking."""
