"""Shared by all families: processes on chosen cores, alternating rounds, medians, and the format of results."""

import atexit
import os
import signal
import socket
import statistics
import subprocess
import sys
import time


class Trouble(Exception):
    """A benchmark cannot be run, or returns wrong answers."""


def setting(name, default=None):
    """Returns a setting of deploy/dev/bench; users may set BENCH_ROUNDS and BENCH_SECONDS themselves."""
    value = os.environ.get(name, default)
    if value is None:
        raise Trouble(f"{name} is not set; start the benchmarks with deploy/dev/bench")
    return value


def rounds():
    return int(setting("BENCH_ROUNDS", "5"))


def seconds():
    return float(setting("BENCH_SECONDS", "3"))


def note(text):
    """Prints a remark on a result; results themselves begin with `bench`."""
    print(f"# {text}", flush=True)


def figure(value):
    """Formats a number with four significant digits, never with an exponent."""
    if value == 0:
        return "0"
    digits = 4 - len(str(int(abs(value)))) if abs(value) >= 1 else 4
    return f"{value:.{max(digits, 0)}f}"


def result(name, ours, peer, better):
    """Prints a result from the medians of both sides; `better` says which direction is better: more or less."""
    ratio = (ours / peer if better == "more" else peer / ours) if ours and peer else 0
    print(f"bench {name} ours={figure(ours)} peer={figure(peer)} ratio={ratio:.2f}", flush=True)


def in_turn(**sides):
    """Runs each side once per round, one after the other; returns the list of values per side.

    A temporary disturbance then affects all sides alike. The order rotates from round to round."""
    taken = {name: [] for name in sides}
    names = list(sides)
    for number in range(rounds()):
        for name in names[number % len(names):] + names[:number % len(names)]:
            taken[name].append(sides[name]())
    return taken


def median(values):
    return statistics.median(values)


def spread(values):
    """Formats the smallest and largest value, which reveals an unsteady machine."""
    return f"{figure(min(values))}…{figure(max(values))}"


# Processes

_started = []


@atexit.register
def _stop_all():
    for process in list(_started):
        process.stop()


def _end(number, _frame):
    sys.exit(128 + number)


signal.signal(signal.SIGTERM, _end)
signal.signal(signal.SIGHUP, _end)


def cores():
    """Returns a core for the load and one for the server: the first and the last that we may use."""
    ours = sorted(os.sched_getaffinity(0))
    if len(ours) < 2:
        raise Trouble("this needs two cores: one for the load, one for the server")
    return ours[0], ours[-1]


def on_core(core, command):
    return ["taskset", "--cpu-list", str(core), *command] if core is not None else list(command)


class Server:
    """A running program, with its processor time and memory."""

    def __init__(self, name, command, core=None, environment=None):
        self.name = name
        self.log_path = os.path.join(setting("BENCH_WORK"), f"{name}.log")
        clean = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC", "HOME": "/"}
        with open(self.log_path, "ab") as log:
            self.started_at = time.monotonic()
            self.process = subprocess.Popen(
                on_core(core, command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                env=clean | (environment or {}))
        _started.append(self)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self in _started:
            _started.remove(self)

    def await_port(self, port, limit=20):
        """Waits until the program accepts connections on a loopback port."""
        self.await_true(lambda: _takes_connections(port), f"listens on {port}", limit)

    def await_true(self, condition, what, limit=20, interval=0.02):
        deadline = time.monotonic() + limit
        while not condition():
            if self.process.poll() is not None:
                raise Trouble(f"{self.name} ended before it {what}; its log: {self.log_path}")
            if time.monotonic() > deadline:
                raise Trouble(f"{self.name}: nothing {what} after {limit} s; its log: {self.log_path}")
            time.sleep(interval)

    def cpu_seconds(self):
        """Returns the user and system time of all its threads so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        return self._memory_bytes("VmRSS:")

    def peak_bytes(self):
        return self._memory_bytes("VmHWM:")

    def _memory_bytes(self, name):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith(name):
                    return int(line.split()[1]) * 1024
        raise Trouble(f"{self.name} has no {name}")


def _takes_connections(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def free_port():
    """Returns a free port, chosen by the kernel."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(command, environment=None, limit=600):
    """Runs a program to its end and returns what it printed."""
    done = subprocess.run(
        [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=limit, env=os.environ | (environment or {}), check=False)
    if done.returncode != 0:
        told = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise Trouble(f"{command[0]} ended with {done.returncode}: {told[-2000:]}")
    return done.stdout.decode(errors="replace")
