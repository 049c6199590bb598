"""rpc: one small method on our server, on gRPC C++ and on grpc-swift-2, under the same load."""

import os
import struct
import subprocess

from h2load import CONNECTIONS, TRACE, Target
from measure import Server, Trouble, cores, figure, free_port, in_turn, median, note, result, setting, spread

# What every correct response contains: the rated title.
TITLE = b"01920000-0000-7000-8000-000000000603"
SECRET = "0123456789abcdef0123456789abcdef"
# Calls in flight per connection.
DEPTHS = (1, 32)
PEERS = ("grpc_cpp", "grpc_swift")


def run_family():
    # With --no-build a peer may be missing; the others can still be measured.
    peers = [name for name in PEERS if os.path.exists(_peer_program(name))]
    for name in PEERS:
        if name not in peers:
            note(f"rpc: {_peer_program(name)} is not built: {name} is not measured")
    targets = [_ours(), *(_grpc(name) for name in peers)]
    for target in targets:
        target.check(TITLE)
    sizes = ", ".join(f"{t.name} {os.path.getsize(t.body_path)}/{t.answer_bytes}" for t in targets)
    note(f"rpc: {CONNECTIONS} connections; bytes of a request's and an answer's body: {sizes}")
    for depth in DEPTHS:
        taken = in_turn(**{t.name: (lambda t=t: t.measure(depth)) for t in targets})
        for peer in peers:
            rates = {name: [rate for rate, _ in taken[name]] for name in ("ours", peer)}
            result(f"rpc.{peer}.{depth}", median(rates["ours"]), median(rates[peer]), "more")
            note(f"rpc.{peer}.{depth} calls/s: ours {spread(rates['ours'])}, peer {spread(rates[peer])}")
        spent = ", ".join(f"{name} {figure(median([cpu for _, cpu in taken[name]]))}" for name in taken)
        note(f"rpc at {depth} in flight per connection, CPU µs per call: {spent}")
    for target in targets:
        target.server.stop()


def _ours():
    port = free_port()
    program = os.path.join(setting("BENCH_PROGRAMS"), "bench-rpc")
    # One event loop for the one core.
    server = Server("bench-rpc", [program, str(port), SECRET, "1"], cores()[1])
    server.await_port(port)
    headers = [
        "content-type: application/json", f"authorization: Bearer {SECRET}", "rpc-timeout-ms: 5000", TRACE,
    ]
    return Target("ours", server, f"http://127.0.0.1:{port}/rpc", _request("rateTitle.json"), headers)


def _peer_program(name):
    return os.path.join(setting("BENCH_PEERS"), f"bench-{name.replace('_', '-')}")


def _grpc(name):
    port = free_port()
    server = Server(f"bench-{name}", [_peer_program(name), str(port)], cores()[1])
    server.await_port(port)
    headers = ["content-type: application/grpc", "te: trailers", "grpc-timeout: 5S", TRACE]
    return Target(
        name, server, f"http://127.0.0.1:{port}/reelay.bench.Ratings/RateTitle", _protobuf_request(), headers)


def _request(name):
    return os.path.join(setting("BENCH_ROOT"), "Tests/Bench/Requests", name)


def _protobuf_request():
    """Returns the same request in protobuf, after gRPC's prefix: the compression flag (off) and the length."""
    with open(_request("rateTitle.txtpb"), "rb") as text:
        done = subprocess.run(
            ["protoc", f"--proto_path={setting('BENCH_ROOT')}/Tests/Bench/Peers", "--proto_path=/usr/include",
             "--encode=reelay.bench.RateTitleRequest", "ratings.proto"],
            stdin=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise Trouble(f"protoc: {done.stderr.decode(errors='replace')}")
    path = os.path.join(setting("BENCH_WORK"), "rateTitle.grpc")
    with open(path, "wb") as file:
        file.write(struct.pack(">BI", 0, len(done.stdout)) + done.stdout)
    return path
