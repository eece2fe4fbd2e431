"""Follows columns through the compiled SQL of models."""
