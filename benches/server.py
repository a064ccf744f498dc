"""A registry of the bench's own, ways to it, and what is counted on them."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

from measure import ROOT, WORK, fail


def end(child):
    child.send_signal(signal.SIGTERM)
    child.wait()


def start(command, **more):
    child = subprocess.Popen(command, **more)
    atexit.register(end, child)
    return child


def registry(port):
    """One with a folder of its own."""
    folder = os.path.join(WORK, "registry")
    os.makedirs(folder)
    config = os.path.join(folder, "config.yml")
    with open(config, "w") as out:
        json.dump({
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": folder}, "delete": {"enabled": True}},
            "http": {"addr": f"127.0.0.1:{port}"},
        }, out)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    start(["docker-registry", "serve", config], **quiet)
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
    fail("the registry does not listen")


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def link(port):
    """A way there that counts; its port."""
    script = os.path.join(ROOT, "benches/link.py")
    child = start([sys.executable, script, "127.0.0.1", str(port)], stdout=subprocess.PIPE, text=True)
    return int(child.stdout.readline())


def take(port):
    """What was counted since the last time."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/take") as answer:
        return json.load(answer)


def slow(port, milliseconds, mbit):
    """From now on the way is that slow."""
    urllib.request.urlopen(f"http://127.0.0.1:{port}/-/line/{milliseconds}/{mbit}").close()
