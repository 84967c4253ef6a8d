"""Run every measurement in bench/, or those named; each prints its figures and keeps them in bench/results/."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run them one after the other; return 1 when one fails or misses its goal."""
    wanted = sys.argv[1:]
    files = [
        path for path in sorted((ROOT / "bench").glob("bench_*.py")) if not wanted or path.stem in wanted
    ]
    if not files:
        sys.exit(f"bench: nothing to run{' named ' + ', '.join(wanted) if wanted else ' in bench/'}")
    failed = []
    for path in files:
        sys.stdout.write(f"== {path.stem}\n")
        sys.stdout.flush()
        if subprocess.run([sys.executable, str(path)], cwd=ROOT, check=False).returncode:
            failed.append(path.stem)
    if failed:
        sys.stdout.write(f"bench: failed: {', '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
