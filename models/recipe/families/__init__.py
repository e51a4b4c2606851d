"""One module per family of networks; `build(height, width, ...)` gives a Keras model without weights."""
