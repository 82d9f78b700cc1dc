"""The web kit that the township's and the city's desks share."""
