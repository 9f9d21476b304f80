"""Everything that must hold, one file a subject."""
