"""What one may choose: models, data sets, targets and presets, as instances of the schema."""
