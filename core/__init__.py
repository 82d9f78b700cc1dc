"""What a case is: the pure rules of the service-centre's trade."""
