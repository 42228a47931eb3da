"""Servers on loopback that can be told to misbehave: publishers of files, receivers of messages, a mail relay."""
import contextlib
import gzip
import hashlib
import json
import random
import re
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from figures import malformed

ID = re.compile(r"msg_[0-9a-f]{32}")
ALERT = re.compile(r"/alerts/([0-9a-f]{16})")
DRAWN = random.Random()


def low_port():
    """A port that no outgoing connection takes while its server is down."""
    while True:
        port = DRAWN.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def shutdown_request(self, request):
        # What was reset must not be ended politely before.
        if getattr(self, "resets", None) and request in self.resets:
            self.resets.discard(request)
            request.close()
        else:
            super().shutdown_request(request)

    def handle_error(self, *_):
        pass


class Door:
    """An HTTP server on a port of its own. While it is shut, connections are refused."""

    def __init__(self):
        self.port, self.listener, self.mood = low_port(), None, "ok"
        self.counted = {}
        self.url = f"http://127.0.0.1:{self.port}"
        self.open()

    def open(self):
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def do_GET(self):
                door.answer(self, b"")

            def do_POST(self):
                door.answer(self, self.rfile.read(int(self.headers.get("content-length", 0))))

            do_PUT = do_POST

            def log_message(self, *_):
                pass

            def say(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def hang_up(self):
                """Ends the connection without an answer."""
                self.close_connection = True

            def reset(self):
                self.close_connection = True
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.server.resets.add(self.connection)

        self.listener = Listener(("127.0.0.1", self.port), Handler)
        self.listener.resets = set()
        threading.Thread(target=self.listener.serve_forever, args=(0.05,), daemon=True).start()

    def count(self, what):
        self.counted[what] = self.counted.get(what, 0) + 1

    def shut(self):
        listener, self.listener = self.listener, None
        if listener:
            listener.shutdown()
            listener.server_close()

    def become(self, mood):
        """From now on it behaves so."""
        self.mood = mood
        if mood == "refused":
            self.shut()
        elif self.listener is None:
            self.open()


class Publisher(Door):
    """Publishes a table, and remembers by their digests all bodies that it gave."""

    def __init__(self, table):
        self.table, self.lock = table, threading.Lock()
        self.bodies = {}
        super().__init__()

    def say(self, publication):
        with self.lock:
            self.table.say(publication.changes, publication.moment)
            self.table.since = time.time()
            self.remember(self.table.body)

    def remember(self, body):
        """By its digest, with when it was published."""
        digest = hashlib.sha256(body).hexdigest()
        self.bodies.setdefault(digest, (body, []))[1].append(self.table.since)

    def answer(self, handler, _):
        with self.lock:
            mood, body = self.mood, self.table.body
        self.count(mood)
        if mood == "refused":
            return handler.hang_up()
        if mood == "reset":
            return handler.reset()
        if mood == "stall":
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body[:len(body) // 2])
            handler.wfile.flush()
            time.sleep(8)
            return handler.hang_up()
        if mood in ("500", "404"):
            return handler.say(int(mood), b"no")
        if mood == "503":
            return handler.say(503, b"later", Retry_After="4")
        if mood == "cut":
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body) + 500))
            handler.end_headers()
            handler.wfile.write(body)
            return handler.hang_up()
        if mood == "rubbish":
            return handler.say(200, gzip.compress(body)[:-12] + b"0123456789ab", Content_Encoding="gzip")
        if mood == "kilograms":
            from figures import imports
            body = imports(self.table, unit="t", scale=0.001) if self.table.name == "us-imports" else body
            self.remember(body)
        elif mood != "ok":
            return handler.say(200, malformed(mood, self.table))
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if handler.headers.get("if-none-match") == tag:
            self.count("304")
            return handler.say(304, ETag=tag)
        if "gzip" in handler.headers.get("accept-encoding", "") and len(body) > 2000:
            return handler.say(200, gzip.compress(body, 6, mtime=0), ETag=tag, Content_Encoding="gzip")
        return handler.say(200, body, ETag=tag)


class Receipt:
    """One message that a receiver took, by whatever it can be told from others."""

    def __init__(self, receiver, text, headers, mood, told):
        self.at, self.receiver, self.mood = time.time(), receiver, mood
        found = ID.search(headers) or ID.search(text)
        self.id = found.group() if found else None
        self.told = told                      # (alert, number) of all that it tells, where it says so
        self.alerts = set(ALERT.findall(text))
        self.text = text


def told_by(body):
    """What a webhook's body tells: alerts with the numbers of their transitions; its own first."""
    data = body["data"] if "alert" in body.get("data", {}) else body["data"]["data"]
    return [(one["alert"]["id"], one["number"]) for one in [data, *data.get("others", [])]]


# What each chat service answers to what it took.
ANSWERS = {
    "slack": b"ok", "mattermost": b"ok", "webhook": b"",
    "telegram": b'{"ok": true, "result": {"message_id": 43}}', "matrix": b'{"event_id": "$event"}',
    "ntfy": b'{"id": "sPs71M8A2T", "time": 1760922000, "event": "message", "topic": "supply"}',
}


class Receiver(Door):
    """Takes messages as a service of its kind does, and keeps a receipt of each."""

    def __init__(self, name, kind, receipts):
        self.name, self.kind, self.receipts = name, kind, receipts
        self.forgets = self.renames = None
        super().__init__()

    def answer(self, handler, body):
        mood = self.mood
        self.count(mood)
        if mood == "refused":
            return handler.hang_up()
        if mood == "reset":
            return handler.reset()
        if mood in ("500", "502", "410", "400"):
            return handler.say(int(mood), b"no")
        if mood in ("429", "503"):
            return handler.say(int(mood), b"later", Retry_After="3")
        if mood == "slow":
            time.sleep(DRAWN.uniform(1, 6))
        headers = f"{handler.path}\n{handler.headers}"
        text = body.decode("utf-8", "replace")
        told = told_by(json.loads(text)) if self.kind == "webhook" else []
        is_lost = mood == "lost" and DRAWN.random() < 0.5
        self.keep(Receipt(self.name, text, headers, "lost" if is_lost else mood, told))
        if is_lost:
            return handler.hang_up()
        if self.kind == "ntfy":
            asked = json.loads(text)
            said = json.loads(ANSWERS["ntfy"]) | {"title": asked.get("title"), "message": asked.get("message")}
            return handler.say(200, json.dumps(said).encode())
        return handler.say(200, ANSWERS[self.kind])

    def keep(self, receipt):
        if self.forgets and self.forgets(receipt):
            return
        self.receipts.append(receipt)
        if self.renames and self.renames(receipt):
            again = Receipt(receipt.receiver, receipt.text, "", receipt.mood, receipt.told)
            again.id = "msg_" + "0" * 32
            self.receipts.append(again)


class Relay:
    """A mail relay on loopback that speaks as much SMTP as a client without TLS needs."""

    def __init__(self, name, receipts):
        self.name, self.receipts, self.mood, self.counted = name, receipts, "ok", {}
        self.port, self.listener = low_port(), None
        self.open()

    def open(self):
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def become(self, mood):
        self.mood = mood
        if mood == "refused" and self.listener:
            # Who waits in `accept` is woken by the first.
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
        elif mood != "refused" and self.listener is None:
            self.open()

    def accept(self, listener):
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with contextlib.suppress(OSError), client, client.makefile("rwb") as stream:
            client.settimeout(60)

            def say(line):
                stream.write(line.encode() + b"\r\n")
                stream.flush()

            mood = self.mood
            self.counted[mood] = self.counted.get(mood, 0) + 1
            if mood == "slow":
                time.sleep(5)
            if mood == "busy":
                return say("421 too many connections")
            say("220 relay.example ESMTP")
            while line := stream.readline():
                word = line[:4].upper()
                if word == b"EHLO":
                    say("250-relay.example\r\n250-8BITMIME\r\n250 SIZE 50000000")
                elif word == b"QUIT":
                    return say("221 bye")
                elif word == b"RCPT" and mood == "greylist":
                    say("451 4.7.1 greylisted, come back later")
                elif word == b"DATA":
                    say("354 go on")
                    mail = bytearray()
                    while (line := stream.readline()) not in (b".\r\n", b""):
                        mail += line
                    if not line:
                        return None
                    text = mail.decode("utf-8", "replace")
                    is_lost = mood == "lost" and DRAWN.random() < 0.5
                    headers = text.split("\r\n\r\n", 1)[0]
                    self.receipts.append(Receipt(self.name, text, headers, "lost" if is_lost else mood, []))
                    if is_lost:
                        return None
                    say("250 2.0.0 queued as 1")
                else:
                    say("250 ok")
            return None
