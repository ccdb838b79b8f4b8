"""Statements with one fault beside their true twins, made by a grammar."""

from eval.bench.verification.minimal_pairs.grammar import KINDS, GrammarPair, pairs

__all__ = ["KINDS", "GrammarPair", "pairs"]
