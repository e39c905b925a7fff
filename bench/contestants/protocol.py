"""The line protocol of a Python contestant: one JSON request a line on stdin, one JSON answer a line on stdout.

  {"model": "mlp", "steps": 20}  ->  {"ms": [...], "loss": 2.3, "peakMB": 512}
  {"probe": "matmul", ...}       ->  whatever the probe measures
  anything that fails            ->  {"error": "..."}

The first line out is the greeting: {"name", "versions", "importMs"}. Libraries that print are sent to stderr.
"""
import json
import os
import sys
import traceback

_wire = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


def say(message):
    _wire.write(json.dumps(message) + "\n")
    _wire.flush()


def peak_megabytes():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return None


def serve(name, versions, import_ms, handle):
    """Answers requests with `handle(request)` until stdin closes."""
    say({"name": name, "versions": versions, "importMs": import_ms, "pid": os.getpid()})
    for line in sys.stdin:
        try:
            answer = handle(json.loads(line))
            answer["peakMB"] = peak_megabytes()
        except Exception as error:  # a contestant that cannot run a model says so and lives on
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        say(answer)
