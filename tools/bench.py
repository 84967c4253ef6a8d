"""Run the measurements in bench/, all or those named; JSON is kept in bench/results/ with command and machine."""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"


def machine() -> dict[str, object]:
    """Return what the figures were taken on, and how busy it was before."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    return {
        "cores": os.cpu_count(),
        "memory_gib": memory,
        "python": platform.python_version(),
        "system": platform.system(),
        "load_before": [round(one, 2) for one in os.getloadavg()],
    }


def main() -> int:
    """Run them one after the other; return 1 when one fails."""
    wanted = sys.argv[1:]
    known = [path for path in sorted((ROOT / "bench").glob("*.py")) if not path.stem.startswith("_")]
    files = [path for path in known if not wanted or path.stem in wanted]
    if not files:
        sys.exit(f"bench: nothing is named {', '.join(wanted)}; known: {', '.join(p.stem for p in known)}")
    failed = []
    RESULTS.mkdir(exist_ok=True)
    for path in files:
        sys.stdout.write(f"== {path.stem}\n")
        sys.stdout.flush()
        before = machine()
        done = subprocess.run(
            [sys.executable, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
        )
        sys.stdout.write(done.stdout)
        if done.returncode:
            failed.append(path.stem)
            continue
        kept = {
            "command": f"make bench ARGS={path.stem}",
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": before,
            "result": json.loads(done.stdout),
        }
        (RESULTS / f"{path.stem}.json").write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n")
    if failed:
        sys.stdout.write(f"bench: failed: {', '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
