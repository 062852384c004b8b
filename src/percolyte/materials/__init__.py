"""Substances: what they are, what is known of them, and who measured it."""
