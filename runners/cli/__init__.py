"""What commands share: options, inputs, outputs, progress."""
