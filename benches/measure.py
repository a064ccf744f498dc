"""What the comparisons share: whole commands, measured in turns, as rows of a table.

Each row is measured in turns (A B C A B C ...), so that a machine that slows
down slows all of them.
"""

import atexit
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLINKPACK = os.path.join(ROOT, "target/release/flinkpack")
MB = 1000 * 1000
RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
os.makedirs(os.path.join(ROOT, "target"), exist_ok=True)
WORK = tempfile.mkdtemp(prefix="flinkpack-bench-", dir=os.path.join(ROOT, "target"))
atexit.register(shutil.rmtree, WORK, ignore_errors=True)
CACHE = os.path.join(WORK, "cache")
ROWS = []


def fail(message, hint=None):
    sys.exit(f"bench: {message}" + (f"\n  hint: {hint}" if hint else ""))


def environment(name):
    value = os.environ.get(name)
    if not value:
        fail(f"{name} is not set", "make bench, or make up and then . target/env.sh")
    return value


def noise_jar(path, size):
    """A JAR of this many bytes that do not compress, other ones each time."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as jar:
        with jar.open("data", "w", force_zip64=True) as entry:
            for at in range(0, size, MB):
                entry.write(random.randbytes(min(MB, size - at)))


def run(command, cwd=WORK, cache=CACHE, **variables):
    """Runs to the end; answers seconds, peak memory in bytes, and stdout."""
    env = dict(os.environ, FLINKPACK_CACHE_DIR=cache, **variables)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.monotonic()
        child = subprocess.Popen(command, cwd=cwd, env=env, stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode:
            fail(f"{' '.join(command)} failed\n{out.read().decode()}{err.read().decode()}")
        return seconds, usage.ru_maxrss * 1024, out.read().decode()


def in_turns(change, **contenders):
    """Each contender RUNS times, in turns, after one warm-up; medians."""
    seconds = {name: [] for name in contenders}
    for turn in range(RUNS + 1):
        for name, contender in contenders.items():
            change()
            taken = contender()
            if turn:
                seconds[name].append(taken)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def head():
    print(f"{'':<40} {'flinkpack':>9}     peers")


def row(name, unit, own, peers, limit=None):
    best = min(peers.values()) if peers else None
    ratio = own / best if best else None
    ROWS.append({
        "name": name,
        "unit": unit,
        "flinkpack": round(own, 4),
        "peers": {peer: round(value, 4) for peer, value in peers.items()},
        "ratio_to_best_peer": round(ratio, 3) if ratio is not None else None,
    })
    digits = 3 if unit else 0
    shown = ", ".join(f"{peer} {value:.{digits}f}" for peer, value in peers.items()) or "-"
    times = f"{ratio:.2f} x" if ratio is not None else ""
    bound = f"(goal {limit})" if limit else ""
    print(f"{name:<40} {own:>9.{digits}f} {unit:<3} {shown:<42} {times:>7} {bound}", flush=True)


def write(name):
    """The rows into target/bench/."""
    target = os.path.join(ROOT, "target/bench")
    os.makedirs(target, exist_ok=True)
    with open(os.path.join(target, name), "w") as out:
        json.dump({"runs": RUNS, "rows": ROWS}, out, indent=2)
        out.write("\n")
