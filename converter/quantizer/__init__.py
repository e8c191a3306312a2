"""From a float graph to an integer one, tensor by tensor, under our own control."""
