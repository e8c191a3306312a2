"""Quantization-aware training: the integers of a quantized network, trained as firmware computes with them."""
