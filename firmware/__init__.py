"""Templates that generated projects are made from, and nothing that Python runs."""
