"""An OpenTelemetry collector that keeps everything: collector.py FILE. Prints its port; writes a line of JSON for each
request, with its path and its body."""

import http.server
import json
import sys
import threading

lock = threading.Lock()
file = open(sys.argv[1], "a", encoding="utf-8")


class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with lock:
            file.write(json.dumps({"path": self.path, "body": body}) + "\n")
            file.flush()
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
