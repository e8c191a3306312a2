"""The `.tflite` format."""
