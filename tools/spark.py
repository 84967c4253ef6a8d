"""Install the locked Spark for `make cluster` into .venv/spark: half a gigabyte, in no import path of the house.

The client's package (pyspark-client) and Spark's own are both named `pyspark`, so they can't lie side by side; of
Spark's we need the jars and the scripts alone. A second run takes a moment. Java is the machine's.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "cluster.txt"
FOLDER = ROOT / ".venv" / "spark"
HOME = FOLDER / "pyspark"
"""What Spark calls SPARK_HOME."""
LEAST_JAVA = 17


def java() -> str:
    """Return the Java to run; end with what to install when there is none or it is too old."""
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    told = ""
    if found and Path(found).is_file():
        told = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if found is None or version is None or int(version[1]) < LEAST_JAVA:
        root = "" if os.geteuid() == 0 else "sudo "
        sys.exit(
            f"cluster: Java {LEAST_JAVA} or newer is needed: {root}apt-get install -y openjdk-17-jre-headless"
        )
    return found


def install() -> Path:
    """Install Spark unless the locked one is there; return its home."""
    stamp, value = FOLDER / ".stamp", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == value:
        return HOME
    sys.stderr.write("cluster: installing Spark into .venv/spark (half a gigabyte); minutes the first time\n")
    shutil.rmtree(FOLDER, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    whole = ["--require-hashes", "--no-build-isolation", "--target", str(FOLDER), "--requirement", str(LOCK)]
    if subprocess.run([*pip, *whole], check=False).returncode:
        sys.exit("cluster: Spark couldn't be installed; see above")
    stamp.write_text(value)
    return HOME


if __name__ == "__main__":
    java()
    install()
