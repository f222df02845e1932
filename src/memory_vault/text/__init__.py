"""Everything that is done with text alone: pure, synchronous, without a clock or chance."""
