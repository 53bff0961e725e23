"""What setting and reading an attribute costs a community's script: ``make bench-scripts``.

A script sources ``add_config_line.source`` and calls ``gconfig_add`` and ``gconfig_get`` 1,000 times
each on a ``glidein_config`` of 300 attributes; beside them the ways of old scripts, which read
with ``grep | awk``. Writes build/bench-scripts.json: an object with milliseconds per call.
"""

import json
import subprocess
import tempfile
from pathlib import Path

from orchestrator.share import share

RESULT = Path("build/bench-scripts.json")
CALLS = 1000
ATTRIBUTES = 300  # in the configuration before the first call

# By name: what is called so many times, with the number of the call in $i.
WAYS = {
    "gconfig_add": (CALLS, 'gconfig_add "NEW_$i" "value $i"'),
    "gconfig_get": (CALLS, 'gconfig_get "KEY_$((i % 300))" >/dev/null'),
    "grep_awk": (CALLS // 10, "x=$(grep '^KEY_7 ' glidein_config | awk '{print $2}')"),
}


def measure() -> dict[str, float]:
    """Return milliseconds per call, by way."""
    api = share("glidein") / "worker_api"
    with tempfile.TemporaryDirectory(prefix="bench-scripts.") as folder:
        config = Path(folder, "glidein_config")
        lines = [f"KEY_{number} value {number}" for number in range(ATTRIBUTES)]
        config.write_text("\n".join(lines) + "\n")
        taken = {}
        for name, (calls, call) in WAYS.items():
            loop = f"for ((i = 0; i < {calls}; i++)); do {call}; done"
            text = f"""glidein_config=$PWD/glidein_config
                . '{api}/add_config_line.source' || exit
                before=$EPOCHREALTIME; {loop}; after=$EPOCHREALTIME
                echo "$(((${{after/[.,]/}} - ${{before/[.,]/}})))" """
            done = subprocess.run(
                ["bash", "-c", text], cwd=folder, capture_output=True, text=True, check=True
            )
            taken[name] = round(int(done.stdout) / 1000 / calls, 3)
        there = config.read_text().count("NEW_")
    if there != CALLS:
        raise SystemExit(f"{there} of {CALLS} attributes were set")
    return taken


def main() -> None:
    taken = measure()
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(taken, indent=2) + "\n")
    for name, ms in taken.items():
        print(
            f"{name:12} {ms:6.3f} ms per call, {ms / taken['grep_awk']:.2f} of grep | awk"
        )


if __name__ == "__main__":
    main()
