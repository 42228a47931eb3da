"""The program that takes posts and counts them, and what a running process uses."""
import json
import os
import pathlib
import subprocess
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Sink:
    """The sink, and what it has counted."""

    def __init__(self, program, *arguments):
        self.process = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()

    def stats(self):
        with urllib.request.urlopen(self.address + "/stats", timeout=10) as answer:
            return json.load(answer)

    def wait(self, enough, process=None):
        """Until so many different alerts came, or the process ended, or nothing came for a while."""
        stats, changed = self.stats(), time.monotonic()
        while stats["distinct"] < enough and time.monotonic() - changed < 20:
            if process and process.poll() is not None:
                return self.stats()
            time.sleep(0.01)
            before, stats = stats, self.stats()
            if stats["posts"] != before["posts"]:
                changed = time.monotonic()
        return stats

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def used(pid):
    """Processor seconds and the highest memory in MiB of a running process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return ticks / os.sysconf("SC_CLK_TCK"), peak / 1024


def built(target, kind):
    """The program of a target, built as a release."""
    command = ["cargo", "build", "--release", "--locked", "--message-format=json", kind, target]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    found = (json.loads(line) for line in lines)
    return [one["executable"] for one in found if one.get("executable") and one["target"]["name"] == target][-1]
