"""Ways to run a lowered program: on this host, through LiteRT, or as generated C."""
