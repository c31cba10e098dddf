"""Adversarial discovery: generators proposed in a game, and judged by evidence."""
