"""Synapse, a homeserver of Matrix."""
import json
import subprocess
import urllib.parse

from kit import FIRES, STORY, Lossy, expect, free_port, from_pypi, http, server, watch


def matrix(options, place):
    """Synapse with one account and one room."""
    programs, port = from_pypi("matrix-synapse"), free_port()
    url, config = f"http://127.0.0.1:{port}", place / "homeserver.yaml"
    generate = [programs / "python", "-m", "synapse.app.homeserver", "--server-name", "m.example", "--config-path", config,
                "--generate-config", "--report-stats=no"]
    subprocess.run(generate, check=True, cwd=place, capture_output=True)
    listener = {"port": port, "bind_addresses": ["127.0.0.1"], "type": "http", "tls": False,
                "resources": [{"names": ["client"], "compress": False}]}
    more = {"listeners": [listener], "trusted_key_servers": [], "rc_message": {"per_second": 0.1, "burst_count": 20}}
    # A second file of the config counts more than the first.
    ours = place / "ours.yaml"
    ours.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in more.items()))
    start = [programs / "python", "-m", "synapse.app.homeserver", "-c", config, "-c", ours]
    with server(start, place / "synapse.log", f"{url}/_matrix/client/versions"):
        register = [programs / "register_new_matrix_user", "-c", config, "-u", "watch", "-p", "secret", "--no-admin", url]
        subprocess.run(register, check=True, capture_output=True)

        def api(method, path, body=None, token=None):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            status, text = http(method, f"{url}/_matrix/client/v3/{path}", body, headers)
            return status, json.loads(text)

        login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "watch"}, "password": "secret"}
        token = api("POST", "login", login)[1]["access_token"]

        def new_room():
            return api("POST", "createRoom", {"name": "supply"}, token)[1]["room_id"]

        def events(room):
            path = f"rooms/{urllib.parse.quote(room, safe='')}/messages?dir=f&limit=100"
            return [e for e in api("GET", path, token=token)[1]["chunk"] if e["type"] == "m.room.message"]

        door, room = Lossy(port), new_room()
        receiver = {"kind": "matrix", "url": door.url, "token": token, "room": room, "rate": "100/s"}
        with watch(options, receiver) as ours:
            for figures, _ in STORY:
                ours.once(figures)
            told = events(room)
            expect(len(told) == len(STORY), f"{len(told)} events: {told}")
            for event, (_, word) in zip(told, STORY):
                content = event["content"]
                expect(f"{word}: " in content["body"] and "<pre>" in content["formatted_body"], content)
                expect(content["m.mentions"] == {}, content)
            relations = [event["content"].get("m.relates_to", {}).get("event_id") for event in told]
            expect(relations == [None, told[0]["event_id"], None, told[2]["event_id"]], relations)
            yield f"4 events in 2 threads; the first:\n{told[0]['content']['body']}"
        room = new_room()
        with watch(options, receiver | {"room": room}) as ours:
            door.loses = True
            ours.once(FIRES, code=1)
            door.loses = False
            ours.until_delivered()
            told = events(room)
            expect(len(told) == 1 and "may be a repeat" not in told[0]["content"]["body"], told)
            yield "an answer that is lost: still one event, and no mark"
        for change, code in [({"token": "syt_none"}, "M_UNKNOWN_TOKEN"), ({"room": "!none:m.example"}, "M_FORBIDDEN")]:
            with watch(options, receiver | change) as ours:
                ours.once(FIRES, code=1)
                held = ours.failed()[0]
                expect(held["state"] == "pending" and code in held["last_error"], held)
        yield "a token that is none and a room that is not ours: the receiver is disabled"
        room = new_room()
        with watch(options, receiver | {"room": room}) as ours:
            path, count = f"rooms/{urllib.parse.quote(room, safe='')}/send/m.room.message", 0
            while api("PUT", f"{path}/{count}", {"msgtype": "m.text", "body": "x"}, token)[0] != 429:
                count += 1
            said = ours.once(FIRES, code=1)
            expect("M_LIMIT_EXCEEDED" in said, said)
            ours.until_delivered()
            told = [event for event in events(room) if event["content"]["body"] != "x"]
            expect(len(told) == 1, told)
            yield "too many messages (M_LIMIT_EXCEEDED): put off, and then delivered"
