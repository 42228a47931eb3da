"""ntfy, whose topic only we may write to."""
import base64
import json
import os
import subprocess

from kit import FIRES, STORY, Lossy, command, expect, free_port, http, server, watch


def ntfy(options, place):
    """A server with logins, whose topic only we may write to."""
    program, port = command("ntfy", "ntfy"), free_port()
    url, users = f"http://127.0.0.1:{port}", place / "user.db"
    config = place / "server.yml"
    settings = {"base-url": url, "listen-http": f"127.0.0.1:{port}", "cache-file": str(place / "cache.db"),
                "auth-file": str(users), "auth-default-access": "deny-all",
                "attachment-cache-dir": str(place / "attachments"), "visitor-request-limit-burst": 80,
                "visitor-request-limit-replenish": "20s"}
    config.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items()))

    def admin(*arguments):
        secret = os.environ | {"NTFY_PASSWORD": "secret-of-the-watcher"}
        done = subprocess.run([program, *arguments[:1], "--config", config, *arguments[1:]], env=secret, text=True,
                              capture_output=True)
        expect(done.returncode == 0, f"ntfy {arguments}: {done.stderr}")
        return done.stdout + done.stderr

    login = {"Authorization": "Basic " + base64.b64encode(b"watcher:secret-of-the-watcher").decode()}

    def messages():
        lines = http("GET", f"{url}/supply/json?poll=1", headers=login)[1].splitlines()
        return [said for said in map(json.loads, lines) if said["event"] == "message"]

    with server([program, "serve", "--config", config], place / "ntfy.log", f"{url}/v1/health"):
        admin("user", "add", "watcher")
        admin("access", "watcher", "supply", "rw")
        token = next(word for word in admin("token", "add", "watcher").split() if word.startswith("tk_")).strip(",")
        door = Lossy(port)
        receiver = {"kind": "ntfy", "url": door.url, "topic": "supply", "token": token, "rate": "100/s"}
        with watch(options, receiver) as ours:
            for figures, _ in STORY:
                ours.once(figures)
            told = messages()
            expect(len(told) == len(STORY), f"{len(told)} messages: {told}")
            for said, (_, word) in zip(told, STORY):
                expect(f"{word}: " in said["title"] and "attachment" not in said, said)
                expect(said["message"].count("\n") > 5 and "\\" not in said["message"], said)
            expect([said["priority"] for said in told] == [5, 3, 5, 2], told)
            yield f"4 messages; the first:\n{told[0]['title']}\n{told[0]['message']}"
        with watch(options, receiver) as ours:
            door.loses = True
            ours.once(FIRES, code=1)
            door.loses = False
            ours.until_delivered()
            first, second = messages()[len(STORY):]
            expect("may be a repeat" not in first["message"] and "(may be a repeat)" in second["message"], second)
            yield "an answer that is lost: a second message, and it says so"
        password = {"username": "watcher", "password": "secret-of-the-watcher"}
        by_name = {key: value for key, value in receiver.items() if key != "token"} | password
        with watch(options, by_name) as ours:
            ours.once(FIRES)
            yield "a login by name and password"
        for change, code in [({"token": "tk_0123456789abcdefghijklmnopqrs"}, 40101), ({"topic": "other"}, 40301)]:
            with watch(options, receiver | change) as ours:
                ours.once(FIRES, code=1)
                held = ours.failed()[0]
                expect(held["state"] == "pending" and f'"code":{code}' in held["last_error"], held)
        yield "a token that is none (40101) and a topic that is not ours (40301): the receiver is disabled"
        with watch(options, receiver) as ours:
            while http("GET", f"{url}/supply/json?poll=1", headers=login)[0] != 429:
                pass
            ours.once(FIRES, code=1)
            waits = ours.failed()[0]
            expect(waits["state"] == "pending" and '"code":42901' in waits["last_error"], waits)
            yield "too many requests (42901): put off"
