"""An emulated OSV, on this machine alone, for one run of a command: osv.py SCENARIO COMMAND…

SCENARIO is JSON: `queries` has the ids of faults by name of the package, `vulns` records by id, `page` how many ids are
handed out at once, `failures` how many requests are answered 500 first, `body` the text of every answer, `times` how often it
is repeated in it, `seconds` how long each takes, `elsewhere` where each request is sent instead. The command finds the
address in REELAY_OSV_URL. Prints the command's status, output and errors, and the requests, as JSON.
"""

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

scenario = json.loads(sys.argv[1])
requests = []


def page(query):
    ids = scenario.get("queries", {}).get(query["package"]["name"], [])
    begin, size = int(query.get("page_token", "0")), scenario.get("page", 1_000)
    result = {"vulns": [{"id": id_, "modified": "2026-01-01T00:00:00Z"} for id_ in ids[begin:begin + size]]} if ids else {}
    return result | ({"next_page_token": str(begin + size)} if begin + size < len(ids) else {})


class OSV(BaseHTTPRequestHandler):
    def answer(self, body):
        requests.append({"method": self.command, "path": self.path, "body": body})
        time.sleep(scenario.get("seconds", 0))
        if "elsewhere" in scenario:
            status, text = 307, ""
        elif len(requests) <= scenario.get("failures", 0):
            status, text = 500, "later"
        elif "body" in scenario:
            status, text = 200, scenario["body"] * scenario.get("times", 1)
        elif self.command == "POST" and self.path == "/v1/querybatch":
            status, text = 200, json.dumps({"results": [page(query) for query in body["queries"]]})
        else:
            record = scenario.get("vulns", {}).get(self.path.removeprefix("/v1/vulns/"))
            status, text = (404, "{}") if record is None else (200, json.dumps(record))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        if "elsewhere" in scenario:
            self.send_header("Location", scenario["elsewhere"])
        self.end_headers()
        try:
            self.wfile.write(text.encode())
        except OSError:
            pass  # Whoever asked did not want all of it.

    def do_GET(self):
        self.answer(None)

    def do_POST(self):
        self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def log_message(self, *_):
        pass


with ThreadingHTTPServer(("127.0.0.1", 0), OSV) as server:
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    # No proxy of the machine stands between.
    environment = os.environ | {"REELAY_OSV_URL": f"http://127.0.0.1:{server.server_port}", "no_proxy": "127.0.0.1"}
    run = subprocess.run(sys.argv[2:], env=environment, capture_output=True, text=True, timeout=120)
    server.shutdown()
print(json.dumps({"status": run.returncode, "output": run.stdout, "errors": run.stderr, "requests": requests}))
