"""Lets the program post to a server on loopback, and keeps what arrives.

    posts.py PROGRAM OUT

OUT gets a JSON object for each post: the secret that it was to be signed with, its headers and its body.
"""
import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading

SECRETS = {"standard": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "cloudevents": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}
FEED = """
[feed.magnets]
kind = "csv"
path = "magnets.csv"
frequency = "month"
unit = "t"
columns = { period = "period", value = "tonnes", labels = ["partner"] }

[rule.falling]
series = { feed = "magnets" }
when = "declines >= 2"
notify = ["standard", "cloudevents"]
"""
# A partner whose name is not ASCII: what is signed is bytes.
FIGURES = "period,partner,tonnes\n2025-07,Österreich → 德国,619\n2025-08,Österreich → 德国,590\n2025-09,Österreich → 德国,420.5\n"

program, out = sys.argv[1:]
posts = []


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        posts.append({"secret": SECRETS[self.path.strip("/")], "headers": headers, "body": body})
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
threading.Thread(target=server.serve_forever, daemon=True).start()
with tempfile.TemporaryDirectory() as name:
    place = pathlib.Path(name)
    receivers = [
        f'[receiver.{form}]\nkind = "webhook"\nformat = "{form}"\nurl = "http://127.0.0.1:{server.server_port}/{form}"\n'
        f'secret = "{secret}"\ninsecure = true\nallow_private = true\n'
        for form, secret in SECRETS.items()
    ]
    (place / "supplywatch.toml").write_text(FEED + "".join(receivers), encoding="utf-8")
    (place / "magnets.csv").write_text(FIGURES, encoding="utf-8")
    subprocess.run([program, "run", "--once", "--config", place / "supplywatch.toml"], check=True, cwd=place, env={})
assert len(posts) == len(SECRETS), f"{len(posts)} posts"
pathlib.Path(out).write_text(json.dumps(posts))
