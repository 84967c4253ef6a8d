"""The tail ratchet: no Python file over 400 lines that isn't data, no function over 60. Tests and tools too."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("citybrain", "tests", "bench", "tools")
MOST_LINES = 400
MOST_FUNCTION_LINES = 60


def is_data(tree: ast.Module) -> bool:
    """Tell whether a file holds nothing but assignments (and imports and a docstring)."""
    return all(
        isinstance(node, ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom | ast.Expr)
        for node in tree.body
    )


def findings(path: Path, text: str) -> Iterator[str]:
    """Return what is too long in one file."""
    tree = ast.parse(text)
    lines = text.count("\n")
    if lines > MOST_LINES and not is_data(tree):
        yield f"{path}: {lines} lines; split it where the subject splits (at most {MOST_LINES})"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MOST_FUNCTION_LINES:
                yield f"{path}:{node.lineno}: {node.name} has {length} lines (at most {MOST_FUNCTION_LINES})"


def main() -> int:
    """Print what is too long; return the exit code."""
    found = [
        line
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in path.parts
        for line in findings(path.relative_to(ROOT), path.read_text(encoding="utf-8"))
    ]
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
