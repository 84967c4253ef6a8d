"""Checking rows of texts against a shape: one set of Ibis expressions, alike on DuckDB, Sail and Spark.

`compile_checks(shape, columns)` gives expressions without Python functions in them; `split` runs them over a file on
this machine's engine and writes good rows typed, bad rows as they came with what is wrong with them.
"""

from citybrain.base.exchange.checks.compile import Checks, compile_checks
from citybrain.base.exchange.checks.reasons import Problem, explain

__all__ = ["Checks", "Problem", "compile_checks", "explain"]
