"""What no browser would send: raw requests on loopback, and what the daemon answers while it is beset."""
import concurrent.futures
import resource
import socket
import time

from kit import expect, http

# Beside what it is told, whoever asks waits this long at most while the daemon is beset.
SOON = 5
FLOOD = 10_000


def raw(world, text, patience=20):
    """The status of the answer to a request as it is written, and all that came; 0 where it only hangs up."""
    with socket.create_connection(("127.0.0.1", world.port), patience) as peer:
        peer.settimeout(patience)
        peer.sendall(text if isinstance(text, bytes) else text.encode())
        return answer(peer)


def answer(peer):
    said = b""
    try:
        while data := peer.recv(65536):
            said += data
    except ConnectionResetError:
        pass
    first = said.split(b"\r\n", 1)[0].split()
    return (int(first[1]) if len(first) > 1 else 0), said.decode(errors="replace")


def request(world, path="/", host=None, method="GET", fields="", body=""):
    host = f"127.0.0.1:{world.port}" if host is None else host
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{fields}{length}Connection: close\r\n\r\n{body}"


def expect_status(world, what, text, *allowed):
    status, said = raw(world, text)
    expect(status in allowed, f"{what}: {status}, not {' or '.join(map(str, allowed))}: {said[:300]}")
    return said


def rebinding(world):
    """Only under its own names does it answer."""
    port = world.port
    ours = [f"127.0.0.1:{port}", "127.0.0.1", f"localhost:{port}", "LOCALHOST", f"[::1]:{port}", "127.0.0.2"]
    others = ["evil.example", f"evil.example:{port}", "localhost.evil.example", f"127.0.0.1.evil.example:{port}", "",
              "127.0.0.1@evil.example", "evil.example#127.0.0.1", "0.0.0.0", "10.0.0.1", "localhost:80:80", "[::1",
              "2130706433", "0x7f.1", "localhost.", "local\u0130host", "-", "127.0.0.1, evil.example"]
    paths = ["/", "/api/v1/alerts", "/metrics", "/-/healthy", "/assets/style.css", "/events", "/nowhere"]
    for host in others:
        for path in paths:
            expect_status(world, f"Host {host!r} on {path}", request(world, path, host), 421, 400)
    for host in ours:
        expect_status(world, f"Host {host!r}", request(world, "/", host), 200)
    own = f"127.0.0.1:{port}"
    two = f"GET / HTTP/1.1\r\nHost: {own}\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    expect_status(world, "two hosts", two, 400, 421)
    expect_status(world, "another host in the address", request(world, "http://evil.example/", own), 400, 421)
    expect_status(world, "none", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400, 421)
    expect_status(world, "none, in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 400, 421)
    return f"{len(others) * len(paths)} requests by {len(others)} foreign names, none answered; {len(ours)} own names, all"


def token_of(world):
    """A session's cookie and what its forms bring back."""
    said = raw(world, request(world, "/silences"))[1]
    cookie = next(line.split(":", 1)[1].split(";")[0].strip() for line in said.splitlines()
                  if line.lower().startswith("set-cookie:"))
    return cookie, said.split('name="csrf" value="', 1)[1].split('"', 1)[0]


def forgery(world):
    """What writes comes from the page itself."""
    cookie, token = token_of(world)
    own, other = f"http://127.0.0.1:{world.port}", f"http://localhost:{world.port}"
    form = "application/x-www-form-urlencoded"
    body = f"csrf={token}&match=partner%3Dnobody&lasting=1d&comment=tried&author=me"
    count = 0
    before = world.api("/silences")["silences"]
    for origin in [None, "null", "http://evil.example", f"{own}.evil.example", other, "https://evil.example:443", "file://", ""]:
        for site in [None, "same-origin", "same-site", "cross-site", "none"]:
            fields = f"Cookie: {cookie}\r\nContent-Type: {form}\r\n"
            fields += "" if origin is None else f"Origin: {origin}\r\n"
            fields += "" if site is None else f"Sec-Fetch-Site: {site}\r\n"
            expect_status(world, f"Origin {origin}, site {site}", request(world, "/silences", None, "POST", fields, body), 403)
            count += 1
    good = f"Origin: {own}\r\nContent-Type: {form}\r\n"
    for what, fields, sent in [
        ("another site says so", f"Cookie: {cookie}\r\n{good}Sec-Fetch-Site: cross-site\r\n", body),
        ("no cookie", good, body),
        ("another's cookie", f"Cookie: {token_of(world)[0]}\r\n{good}", body),
        ("no token", f"Cookie: {cookie}\r\n{good}", body.replace(token, "")),
        ("a wrong token", f"Cookie: {cookie}\r\n{good}", body.replace(token, token[:-1] + ("0" if token[-1] != "0" else "1"))),
        ("a cookie that is changed", f"Cookie: {cookie[:-1]}{'0' if cookie[-1] != '0' else '1'}\r\n{good}", body),
    ]:
        expect_status(world, what, request(world, "/silences", None, "POST", fields, sent), 403)
        count += 1
    for path in ["/api/v1/silences", "/-/reload", "/api/v1/alerts/0000000000000000/acknowledge"]:
        expect_status(world, f"POST {path} by nobody", request(world, path, None, "POST", "Content-Type: application/json\r\n", "{}"), 403)
        # What a foreign page may send without asking first.
        plain = f"Cookie: {cookie}\r\nOrigin: http://evil.example\r\nContent-Type: text/plain\r\n"
        expect_status(world, f"POST {path} by another page", request(world, path, None, "POST", plain, "{}"), 403)
        count += 2
    expect(world.api("/silences")["silences"] == before, "something was written")
    said = expect_status(world, "the page itself", request(world, "/silences", None, "POST", f"Cookie: {cookie}\r\n{good}Sec-Fetch-Site: same-origin\r\n", body), 303)
    expect("location: /" in said.lower(), said)
    return f"{count} writes that another page could send, none done; that of the page itself is"


def paths(world):
    """No path leads out of what there is."""
    tricks = ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "/assets/../../etc/passwd",
              "/assets/%2e%2e%2f%2e%2e%2fCargo.toml", "/assets/..%5c..%5cCargo.toml", "/assets/style.css%00.html",
              "/assets//etc/passwd", "//etc/passwd", "/assets/....//style.css", "/%00", "/alerts/%ff%fe", "/rules/%2e%2e",
              "/series/9223372036854775808", "/series/-1", "/series/1%20or%201=1", "/deliveries/%25%27%22%3b--",
              "/alerts/" + "a" * 3000, "/feeds/..%2f..", "/api/v1/alerts/%00", "/api/v1/series/abc/observations",
              "/api/v1/%2e%2e/%2e%2e/metrics", "/.git/config", "/supplywatch.db", "/config/supplywatch.toml"]
    for path in tricks:
        said = expect_status(world, path[:60], request(world, path), 400, 404)
        expect("root:" not in said and "[package]" not in said and "SQLite" not in said, f"{path}: {said[:300]}")
    for path in ["/series?q=%27%3bdrop+table+series--", "/series?q=" + "%22" * 900, "/alerts?rule=%00", "/deliveries?state=%3Cscript%3E",
                 "/?done=%3Cscript%3E", "/login?to=//evil.example"]:
        expect_status(world, path[:60], request(world, path), 200, 303, 400, 404)
    for text, allowed in [
        (f"GET /{'a' * 20_000} HTTP/1.1\r\nHost: localhost\r\n\r\n", (400, 414, 431, 0)),
        (request(world, fields=f"X-Long: {'a' * 20_000}\r\n"), (400, 431, 0)),
        (request(world, fields="".join(f"X-{n}: a\r\n" for n in range(200))), (400, 431, 0)),
        (request(world, fields="Bad Header: a\r\n"), (400,)),
        (request(world, fields="X: a\x00b\r\n"), (400,)),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", (400, 0)),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505, 421, 0)),
        (request(world, method="TRACE"), (403, 405)),
        (request(world, method="CONNECT", path="evil.example:443"), (400, 403, 404, 405, 421)),
        (request(world, method="DELETE"), (403, 405)),
    ]:
        expect_status(world, repr(text[:60]), text, *allowed)
    return f"{len(tricks)} paths and 10 broken requests lead nowhere"


def bodies(world):
    """Bodies are bounded, and so is how slowly they come."""
    cookie, token = token_of(world)
    fields = f"Cookie: {cookie}\r\nOrigin: http://127.0.0.1:{world.port}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    large = "csrf=" + token + "&comment=" + "a" * 200_000
    expect_status(world, "a large body", request(world, "/silences", None, "POST", fields, large), 413, 0)
    endless = (f"POST /silences HTTP/1.1\r\nHost: 127.0.0.1:{world.port}\r\n{fields}Transfer-Encoding: chunked\r\n\r\n"
               + "4000\r\n" + "a" * 0x4000 + "\r\n") .encode()
    with socket.create_connection(("127.0.0.1", world.port), 30) as peer:
        sent = 0
        try:
            peer.sendall(endless)
            for _ in range(2000):
                sent += peer.send(b"4000\r\n" + b"a" * 0x4000 + b"\r\n")
        except OSError:
            pass
        expect(sent < 20_000_000, f"it took {sent} bytes of a body without an end")
    both = request(world, "/silences", None, "POST", fields + "Transfer-Encoding: chunked\r\n", "a=b")
    expect_status(world, "two lengths", both, 400, 403, 413)
    lie = request(world, "/silences", None, "POST", fields + "Content-Length: 5\r\n", "csrf=x&comment=y")
    expect_status(world, "two lengths that differ", lie, 400, 403)
    return "a large body, one without an end, and two lengths: refused"


def slowness(world):
    """Who sends slowly is cut off: (seconds until the end, of headers; of a body)."""
    def drip(first, pause, limit):
        with socket.create_connection(("127.0.0.1", world.port), 10) as peer:
            begun = time.monotonic()
            peer.sendall(first.encode())
            peer.settimeout(pause)
            while time.monotonic() < begun + limit:
                try:
                    if not peer.recv(65536):
                        return time.monotonic() - begun
                except socket.timeout:
                    try:
                        peer.sendall(b"a")
                    except OSError:
                        return time.monotonic() - begun
                except OSError:
                    return time.monotonic() - begun
        return None

    own = f"127.0.0.1:{world.port}"
    header = f"GET / HTTP/1.1\r\nHost: {own}\r\nX-Slow: "
    body = (f"POST /silences HTTP/1.1\r\nHost: {own}\r\nOrigin: http://{own}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            "Content-Length: 1000\r\n\r\ncsrf=")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ends = [pool.submit(drip, *case) for case in [(header, 0.5, 40), (body, 0.5, 60), ("", 60, 40)]]
        slow_header, slow_body, silent = (end.result() for end in ends)
    expect(slow_header and slow_header < 30, f"slow headers: {slow_header}")
    expect(slow_body and slow_body < 45, f"a slow body: {slow_body}")
    return f"headers that drip are cut off after {slow_header:.0f} s, a body after {slow_body:.0f} s"


def flood(world):
    """So many connections, and those who really ask are answered meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(FLOOD + 200, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    peers, longest, asked = [], 0.0, 0
    begun = time.monotonic()
    try:
        for number in range(wanted - 200):
            peer = socket.socket()
            peer.setblocking(False)
            peer.connect_ex(("127.0.0.1", world.port))
            peers.append(peer)
            if number % 3 == 0:
                try:
                    peer.send(b"GET / HTTP/1.1\r\nX: ")
                except OSError:
                    pass
            if number % 250 == 249:
                before = time.monotonic()
                status, _ = http("GET", f"{world.origin}/")
                longest, asked = max(longest, time.monotonic() - before), asked + 1
                expect(status == 200, f"with {len(peers)} connections it answers {status}")
        expect(longest < SOON, f"with {len(peers)} connections an answer takes {longest:.1f} s")
        memory = int(next(line for line in open(f"/proc/{world.process.pid}/status") if line.startswith("VmRSS")).split()[1])
        took = time.monotonic() - begun
    finally:
        for peer in peers:
            peer.close()
    expect(http("GET", f"{world.origin}/")[0] == 200, "it does not answer after that")
    return f"{len(peers)} connections in {took:.0f} s: {asked} real requests answered, the slowest in {longest:.2f} s; {memory // 1024} MiB"


# Most of its time it waits.
slowness.is_aside = True
ALL = [rebinding, forgery, paths, bodies, slowness, flood]
