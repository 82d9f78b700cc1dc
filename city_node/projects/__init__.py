"""Projects (并联审批): cases of several departments that are decided together."""
