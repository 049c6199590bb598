"""abuse: how misuse of HTTP/2 by others affects one polite caller and the server's memory."""

import os
import select
import socket
import struct
import threading
import time

from h2load import TRACE
from measure import Server, Trouble, cores, figure, free_port, note, result, setting

SECRET = "0123456789abcdef0123456789abcdef"
# How much the server may grow during misuse, and how much slower the polite caller's calls may get.
GROWTH_MAX_BYTES = 50 * 1024 * 1024
SLOWDOWN_MAX = 3
RECOVERY_MAX_SECONDS = 5
# The rate of the polite caller, and the duration of each kind of misuse.
CALLS_PER_SECOND = 200
ATTACK_SECONDS = 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 8, 9


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def text(value):
    """Returns an HPACK string literal without Huffman coding (RFC 7541, section 5.2)."""
    data = value.encode()
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest, coded = len(data) - 127, b"\x7f"
    while rest >= 128:
        coded += bytes([rest % 128 + 128])
        rest //= 128
    return coded + bytes([rest]) + data


def field(name, value, indexed=False):
    return (b"\x40" if indexed else b"\x00") + text(name) + text(value)


def block(extra=()):
    fields = [(":method", "POST"), (":scheme", "http"), (":path", "/rpc"), (":authority", "127.0.0.1"),
              ("content-type", "application/json"), *extra]
    return b"".join(field(*one) for one in fields)


KNOWN = (("authorization", f"Bearer {SECRET}"), ("rpc-timeout-ms", "5000"), tuple(TRACE.split(": ")))


class Peer:
    """A connection that sends whatever it is told to."""

    def __init__(self, port, source="127.0.0.1", settings=b""):
        self.socket = socket.create_connection(("127.0.0.1", port), 5, (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0, settings))
        self.buffer = b""

    def send(self, data, patience=0.5):
        """Returns false if the server has closed the connection or accepts nothing."""
        self.socket.settimeout(patience)
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def is_open(self):
        """Discards what has arrived; returns false after the end of the connection."""
        while select.select([self.socket], [], [], 0)[0]:
            try:
                if not self.socket.recv(65536):
                    return False
            except OSError:
                return False
        return True

    def frames(self, until):
        """Yields what arrives until the deadline, frame by frame."""
        while True:
            while len(self.buffer) >= 9:
                length = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) < 9 + length:
                    break
                head, payload = self.buffer[:9], self.buffer[9:9 + length]
                self.buffer = self.buffer[9 + length:]
                yield head[3], head[4], int.from_bytes(head[5:9], "big"), payload
            self.socket.settimeout(max(until - time.monotonic(), 0.001))
            try:
                data = self.socket.recv(65536)
            except TimeoutError as late:
                raise Trouble("the polite caller got no answer in time") from late
            if not data:
                raise Trouble("the polite caller's connection was closed")
            self.buffer += data

    def close(self):
        self.socket.close()


class PoliteCaller:
    """Makes one valid call after another on its own connection, and records how long each took."""

    def __init__(self, port, body):
        self.peer, self.body, self.stream = Peer(port), body, 1
        self.block = block(KNOWN)

    def call(self):
        begun = time.monotonic()
        stream, self.stream = self.stream, self.stream + 2
        self.peer.send(frame(HEADERS, 4, stream, self.block) + frame(DATA, 1, stream, self.body), 5)
        for kind, flags, number, payload in self.peer.frames(begun + 5):
            if kind == SETTINGS and not flags & 1:
                self.peer.send(frame(SETTINGS, 1, 0))
            elif kind == PING and not flags & 1:
                self.peer.send(frame(PING, 1, 0, payload))
            elif number == stream and kind == RST_STREAM:
                raise Trouble("the polite caller's call was refused")
            elif number == stream and kind == DATA:
                self.peer.send(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", max(len(payload), 1))))
            if number == stream and kind in (HEADERS, DATA) and flags & 1:
                return time.monotonic() - begun
        raise Trouble("no answer")

    def calls(self, duration):
        taken, end, following = [], time.monotonic() + duration, time.monotonic()
        while time.monotonic() < end:
            taken.append(self.call())
            following += 1 / CALLS_PER_SECOND
            time.sleep(max(following - time.monotonic(), 0))
        return taken


# The kinds of misuse. Each gets a connection and sends until the server closes it or the time is up.

def pairs(make):
    """Opens streams with `make`, without end."""
    def run(peer, is_over):
        stream = 1
        while not is_over() and stream < 2**30:
            if not peer.send(b"".join(make(number) for number in range(stream, stream + 100, 2))) or not peer.is_open():
                return
            stream += 100
    return run


def repeated(one, count=100):
    def run(peer, is_over):
        while not is_over() and peer.send(one * count) and peer.is_open():
            pass
    return run


def unread(one, count=100):
    """The same, without ever reading a response."""
    def run(peer, is_over):
        while not is_over() and peer.send(one * count):
            pass
    return run


def held(first, then=b"", every=1.0):
    """Sends the beginning of something and keeps the connection."""
    def run(peer, is_over):
        peer.send(first)
        while not is_over() and peer.is_open():
            if then and not peer.send(then):
                return
            time.sleep(every)
    return run


def bodies(peer, is_over):
    """Sends bodies just below their limit that never end, on as many streams as allowed."""
    piece = frame(DATA, 0, 0, b"x" * 16_000)
    for stream in range(1, 200, 2):
        if is_over() or not peer.send(frame(HEADERS, 4, stream, block(KNOWN))):
            return
    # In rounds, so that all streams grow; does not wait for window updates.
    for _ in range(4):
        for stream in range(1, 200, 2):
            if is_over() or not peer.send(piece[:5] + struct.pack(">I", stream) + piece[9:]) or not peer.is_open():
                return
    held(b"")(peer, is_over)


def bomb(peer, is_over):
    """Puts one large field into the table, then sends thousands of references to it (38 MB from 14 kB)."""
    peer.send(frame(HEADERS, 5, 1, block() + field("x-bomb", "b" * 3_800, indexed=True)))
    repeated_blocks = pairs(lambda stream: frame(HEADERS, 5, stream, block() + b"\xbe" * 10_000))
    repeated_blocks(peer, is_over) if peer.is_open() else None


def answers(body):
    """Makes calls whose responses are never taken, with a window of zero."""
    def run(peer, is_over):
        for stream in range(1, 2_000, 2):
            if is_over() or not peer.send(frame(HEADERS, 4, stream, block(KNOWN)) + frame(DATA, 1, stream, body)):
                return
            if not peer.is_open():
                return
        held(b"")(peer, is_over)
    return run


def attacks(body):
    empty = block()
    overflow = struct.pack(">I", 0x7fffffff)
    return {
        "rapid_reset": (8, b"", pairs(
            lambda s: frame(HEADERS, 4, s, empty) + frame(RST_STREAM, 0, s, struct.pack(">I", 8)))),
        "continuation": (8, b"", held(frame(HEADERS, 0, 1, empty), frame(CONTINUATION, 0, 1) * 50, 0.001)),
        "settings": (8, b"", repeated(frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 100) * 32))),
        "ping": (8, b"", repeated(frame(PING, 0, 0, b"abcdefgh"))),
        "ping_unread": (8, b"", unread(frame(PING, 0, 0, b"abcdefgh"))),
        "made_you_reset": (8, b"", pairs(
            lambda s: frame(HEADERS, 4, s, empty) + frame(WINDOW_UPDATE, 0, s, overflow))),
        "hpack_bomb": (8, b"", bomb),
        "empty_data": (8, b"", held(frame(HEADERS, 4, 1, empty), frame(DATA, 0, 1) * 50, 0.001)),
        "priority": (8, b"", repeated(frame(PRIORITY, 0, 1, struct.pack(">IB", 0, 1)))),
        "window_update": (8, b"", repeated(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)))),
        "malformed": (8, b"", pairs(lambda s: frame(HEADERS, 5, s, empty + field("Upper", "x")))),
        "slow_headers": (200, b"", held(frame(HEADERS, 0, 1, empty))),
        "slow_bodies": (200, b"", held(frame(HEADERS, 4, 1, block(KNOWN)), frame(DATA, 0, 1, b"x"), 0.5)),
        "endless_bodies": (64, b"", bodies),
        "answers_not_taken": (32, struct.pack(">HI", 4, 0), answers(body)),
        "idle_connections": (900, b"", held(b"")),
    }


class Attack:
    """Opens many connections at once, and each again as soon as the server has closed it."""

    def __init__(self, port, count, settings, run):
        self.port, self.settings, self.run = port, settings, run
        self.over = threading.Event()
        self.opened = self.refused = 0
        # At most 60 connections come from one address, since the server allows 64.
        self.threads = [threading.Thread(target=self.go_on, args=(f"127.0.1.{1 + number // 60}",), daemon=True)
                        for number in range(count)]

    def go_on(self, source):
        while not self.over.is_set():
            try:
                peer = Peer(self.port, source, self.settings)
            except OSError:
                self.refused += 1
                self.over.wait(0.05)
                continue
            self.opened += 1
            try:
                self.run(peer, self.over.is_set)
            except OSError:
                pass
            peer.close()
            # The attackers have one core: the pause keeps them from starving the polite caller.
            self.over.wait(0.02)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(10)


def p99(taken):
    return sorted(taken)[int(len(taken) * 0.99)]


def run_attack(port, body, name):
    """Attacks from a separate process, so that the attackers' work does not slow the polite caller."""
    count, settings, run = attacks(body)[name]
    os.nice(10)
    with Attack(port, count, settings, run) as attack:
        time.sleep(ATTACK_SECONDS)
    print(f"{attack.opened} connections, {attack.refused} refused", flush=True)


def run_family():
    port = free_port()
    program = os.path.join(setting("BENCH_PROGRAMS"), "bench-rpc")
    server = Server("bench-rpc-abused", [program, str(port), SECRET, "1"], cores()[1])
    server.await_port(port)
    with open(os.path.join(setting("BENCH_ROOT"), "Tests/Bench/Requests/rateTitle.json"), "rb") as file:
        body = file.read()
    caller = PoliteCaller(port, body)
    caller.calls(1)
    slowdowns, growths, recoveries = [], [], []
    for name in attacks(body):
        calm, before = p99(caller.calls(1.5)), server.resident_bytes()
        child = os.fork()
        if child == 0:
            os.sched_setaffinity(0, {cores()[0]})
            run_attack(port, body, name)
            os._exit(0)
        time.sleep(0.5)
        peak, taken = before, []
        for _ in range(10):
            taken += caller.calls((ATTACK_SECONDS - 1.5) / 10)
            peak = max(peak, server.resident_bytes())
        os.waitpid(child, 0)
        recovery = recovered(caller, calm)
        slowdown, growth = p99(taken) / calm, peak - before
        slowdowns.append(slowdown)
        growths.append(growth)
        recoveries.append(recovery)
        note(f"abuse {name}: p99 {calm * 1e3:.2f} → {p99(taken) * 1e3:.2f} ms ({slowdown:.2f}×), "
             f"memory +{growth / 1048576:.1f} MB, calm after {recovery:.1f} s")
    result("abuse.p99", max(slowdowns), SLOWDOWN_MAX, "less")
    result("abuse.rss", max(growths) / 1048576, GROWTH_MAX_BYTES / 1048576, "less")
    result("abuse.recovery", max(recoveries), RECOVERY_MAX_SECONDS, "less")
    note(f"abuse: bounds are {SLOWDOWN_MAX}×, {figure(GROWTH_MAX_BYTES / 1048576)} MB and {RECOVERY_MAX_SECONDS} s")
    server.stop()


def recovered(caller, calm):
    """Returns the seconds until half a second of calls is as fast as before, within 50 %."""
    begun = time.monotonic()
    while p99(caller.calls(0.5)) > calm * 1.5 + 0.001:
        if time.monotonic() - begun > 30:
            raise Trouble("the server does not recover")
    return time.monotonic() - begun - 0.5
