"""From a verified `.tflite` file to results on this host, or to C for a board."""
