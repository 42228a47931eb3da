"""A webhook's other end, in the network of a machine."""
import base64
import collections
import ctypes
import hashlib
import hmac
import http.server
import json
import os
import socket
import threading

from kit import Failed, expect

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
Post = collections.namedtuple("Post", "id body is_signed")


def is_signed(headers, body):
    """Whether a post is signed with the key, as Standard Webhooks have it."""
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(base64.b64decode(KEY.partition("_")[2]), content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}" in (headers["webhook-signature"] or "").split()


class Receiver:
    """A webhook's other end, in the network of a machine. It takes its time, or says no, as it is told to."""

    PORT = 9999

    def __init__(self, machine):
        self.posts, self.status, self.open = [], 200, threading.Event()
        self.open.set()
        self.came = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                with receiver.came:
                    receiver.posts.append(Post(self.headers["webhook-id"], json.loads(body), is_signed(self.headers, body)))
                    receiver.came.notify_all()
                receiver.open.wait(120)
                try:
                    self.send_response(receiver.status)
                    self.send_header("content-length", "0")
                    self.end_headers()
                except OSError:
                    # Whoever asked has been ended meanwhile.
                    pass

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", self.PORT), Handler, bind_and_activate=False)
        self.server.socket.close()
        self.server.socket = listening(machine.first(), self.PORT)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.open.set()
        self.server.shutdown()
        self.server.server_close()

    def ids(self):
        return [post.id for post in self.posts]

    def wait(self, count, seconds=40):
        """Waits until there were so many posts; all of them."""
        with self.came:
            if not self.came.wait_for(lambda: len(self.posts) >= count, seconds):
                raise Failed(f"{len(self.posts)} posts came, not {count}: {[post.body for post in self.posts]}")
        return self.posts


def listening(pid, port):
    """A socket in the network of a process. A thread may enter it alone."""
    opened = []

    def enter():
        with open(f"/proc/{pid}/ns/net") as namespace:
            expect(ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0) == 0, os.strerror(ctypes.get_errno()))
        opened.append(socket.create_server(("127.0.0.1", port)))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    expect(opened, "no socket in the machine's network")
    return opened[0]
