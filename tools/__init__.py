"""What the user types: the command line, and what its commands share."""
