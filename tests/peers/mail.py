"""Postfix as the relay, and Dovecot, by which the mails are read back.

Both have their files in a directory of their own, ports of their own and a certificate of an authority of their own.
Postfix asks us for its verdict on each recipient, by its own protocol for that (SMTPD_POLICY_README).
"""
import contextlib
import datetime
import email
import email.policy
import imaplib
import json
import os
import pwd
import re
import socketserver
import subprocess
import threading
import time

from kit import FIRES, GOES_ON, IS_OVER, PATIENCE, ROOT, Absent, Lossy, command, expect, free_port, from_pypi, instant, listens
from kit import server, watch

DOMAIN = "mail.example"
PASSWORD = "the-password-of-the-watcher"
REVISED = FIRES.replace("420.5", "600") + "2025-10,US,400\n"
# The figures, the first words of the subject, and the header that says the same for filters. What a revision takes back
# has ended; what another one brings back is a new episode.
STORY = [
    (FIRES, "[CRITICAL] ", "fired"),
    (GOES_ON, "[STILL CRITICAL] ", "continued"),
    (REVISED, "[CORRECTED] ", "corrected"),
    (GOES_ON, "[CRITICAL AFTER REVISION] ", "corrected"),
    (IS_OVER, "[RESOLVED] ", "resolved"),
]
# Those who have a mailbox: one or two for each part, so that none is shared.
PEOPLE = ["story", "signed", "login", "stranger", "one", "two", "busy", "lost", "killed", "early", "patient", "grey"]
# What verifies signatures, from PyPI.
DKIMPY = "dkimpy[ed25519]"
# How long a sender that Postfix has not seen must wait (seconds).
GREY = 30

MAIN = """
compatibility_level = 3.6
queue_directory = {place}/queue
data_directory = {place}/data
maillog_file = {place}/postfix.log
maillog_file_prefixes = {place}
myhostname = {domain}
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {place}/mail
virtual_mailbox_maps = texthash:{place}/people
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_tls_cert_file = {place}/chain.pem
smtpd_tls_key_file = {place}/key.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {place}/auth
smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:{policy}, reject_unauth_destination
smtpd_error_sleep_time = 0
smtpd_client_connection_rate_limit = 0
notify_classes =
"""

# Every part of Postfix that a mail passes; none of them in a chroot.
MASTER = """
127.0.0.1:{plain} inet n - n - - smtpd
127.0.0.1:{submission} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o {login}
127.0.0.1:{submissions} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes -o {login}
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

DOVECOT = """
protocols = imap
listen = 127.0.0.1
base_dir = {place}/dovecot
state_dir = {place}/dovecot
log_path = {place}/dovecot.log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:{place}/mail/%n
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={place}/mail/%n
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service auth {{
  unix_listener {place}/auth {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
"""


class Policy(socketserver.ThreadingTCPServer):
    """Postfix's second opinion: `dead` is unknown, `busy` is put off while we say so, `grey` has to wait."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Talk)
        self.tries, self.is_busy = {}, True
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def verdict(self, recipient):
        name, now = recipient.split("@")[0], time.monotonic()
        tries = self.tries.setdefault(recipient, [])
        tries.append(now)
        if name == "dead":
            return "550 5.1.1 no such user here"
        if name == "busy" and self.is_busy:
            return "451 4.3.0 the mailbox is busy"
        if name == "grey" and now - tries[0] < GREY:
            return "450 4.2.0 greylisted, come back later"
        return "DUNNO"

    class Talk(socketserver.StreamRequestHandler):
        def handle(self):
            asked = {}
            for line in self.rfile:
                name, _, value = line.decode().strip().partition("=")
                if name:
                    asked[name] = value
                else:
                    self.wfile.write(f"action={self.server.verdict(asked['recipient'])}\n\n".encode())
                    asked = {}


def certificate(place):
    """A key and a certificate for 127.0.0.1, and the authority's own."""
    openssl = command("openssl", "openssl")
    (place / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for line in (
        ["req", "-x509", *ec, "-days", "9", "-subj", "/CN=authority of the peers", "-addext",
         "keyUsage=critical,keyCertSign", "-keyout", "ca.key", "-out", "ca.pem"],
        ["req", *ec, "-subj", f"/CN={DOMAIN}", "-keyout", "key.pem", "-out", "request.pem"],
        ["x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "9",
         "-extfile", "names", "-out", "cert.pem"],
    ):
        subprocess.run([openssl, *line], cwd=place, check=True, capture_output=True)
    (place / "chain.pem").write_text((place / "cert.pem").read_text() + (place / "ca.pem").read_text())


class Relay:
    """Both servers while the block runs."""

    def __init__(self, place):
        self.place, self.policy = place, Policy()
        self.plain, self.submission, self.submissions, self.imap = (free_port() for _ in range(4))

    @contextlib.contextmanager
    def running(self):
        postfix, dovecot = command("postfix", "postfix"), command("dovecot", "dovecot-imapd")
        version = subprocess.run([dovecot, "--version"], capture_output=True, text=True).stdout
        if not version.startswith("2.3."):
            raise Absent(f"Dovecot {version.strip()} reads another form of config: it is Debian 12's, 2.3, that is wanted")
        nobody, place = pwd.getpwnam("nobody"), self.place
        # Servers that gave up root look into it.
        place.chmod(0o755)
        certificate(place)
        words = dict(place=place, domain=DOMAIN, uid=nobody.pw_uid, gid=nobody.pw_gid, password=PASSWORD, plain=self.plain,
                     submission=self.submission, submissions=self.submissions, imap=self.imap,
                     policy=self.policy.server_address[1],
                     login="smtpd_client_restrictions=permit_sasl_authenticated,reject")
        for name in ("config", "queue", "data", "mail", "dovecot"):
            (place / name).mkdir()
        os.chown(place / "mail", nobody.pw_uid, nobody.pw_gid)
        os.chown(place / "data", pwd.getpwnam("postfix").pw_uid, -1)
        for name, text in (("config/main.cf", MAIN), ("config/master.cf", MASTER), ("dovecot.conf", DOVECOT)):
            (place / name).write_text(text.format(**words))
        (place / "people").write_text("".join(f"{person}@{DOMAIN} {person}/\n" for person in PEOPLE))
        checked = subprocess.run([postfix, "-c", place / "config", "check"], capture_output=True, text=True)
        expect(checked.returncode == 0, checked.stdout + checked.stderr)
        daemons = subprocess.run(["postconf", "-c", place / "config", "-h", "daemon_directory"], capture_output=True,
                                 text=True, check=True, env=os.environ | {"PATH": "/usr/sbin:/usr/bin"}).stdout.strip()
        with server([dovecot, "-F", "-c", place / "dovecot.conf"], place / "dovecot.out", lambda: listens(self.imap)), \
                server([f"{daemons}/master", "-c", place / "config", "-d"], place / "postfix.out",
                       lambda: listens(self.plain)):
            yield


    def is_idle(self):
        return not any(path.is_file() for name in ("incoming", "active", "deferred")
                       for path in (self.place / "queue" / name).rglob("*"))

    def mails(self, person, count):
        """All mails of a person, as the bytes that IMAP gives: so many, once Postfix has nothing more to deliver."""
        end = time.monotonic() + PATIENCE
        while not self.is_idle() or len(self.fetch(person)) < count:
            expect(time.monotonic() < end, f"{person} has {len(self.fetch(person))} mails, not {count}")
            time.sleep(0.2)
        mails = self.fetch(person)
        expect(len(mails) == count, f"{person} has {len(mails)} mails, not {count}")
        return mails

    @contextlib.contextmanager
    def inbox(self, person):
        client = imaplib.IMAP4("127.0.0.1", self.imap)
        client.login(person, PASSWORD)
        client.select("INBOX", readonly=True)
        yield client
        client.logout()

    def fetch(self, person):
        with self.inbox(person) as client:
            numbers = client.search(None, "ALL")[1][0].split()
            return [client.fetch(number, "(RFC822)")[1][0][1] for number in numbers]

    def threads(self, person):
        """The numbers of the mails of each thread, as the server puts them together."""
        with self.inbox(person) as client:
            text = client.thread("REFERENCES", "UTF-8", "ALL")[1][0].decode()
        threads, depth = [], 0
        for sign in re.findall(r"[()]|\d+", text):
            if sign == "(" and depth == 0:
                threads.append([])
            if sign.isdigit():
                threads[-1].append(int(sign))
            depth += {"(": 1, ")": -1}.get(sign, 0)
        return threads

    def receiver(self, *people, **more):
        """The config of a receiver that writes to these people: by STARTTLS and with a login, where nothing else is said."""
        told = {"kind": "email", "host": "localhost", "port": self.submission, "username": "watcher", "password": PASSWORD,
                "from": f"Supply watch <alerts@{DOMAIN}>", "to": [f"{person}@{DOMAIN}" for person in people],
                "ca_file": str(self.place / "ca.pem")} | more
        return {key: value for key, value in told.items() if value is not None}

    def bare(self, port, *people):
        """The same without protection and login, through a door that is read along."""
        return self.receiver(*people, host="127.0.0.1", port=port, tls="none", username=None, password=None, ca_file=None)


def parsed(mail):
    message = email.message_from_bytes(mail, policy=email.policy.default)
    defects = [defect for part in message.walk() for defect in part.defects]
    expect(not defects, defects)
    return message


def text_of(message):
    return message.get_body(("plain",)).get_content()


def is_marked(message):
    return "may be a repeat" in text_of(message)


def complete(message, words, transition):
    """That a mail has what every mail has, and that text, HTML and picture belong together."""
    expect(message["Subject"].startswith(words), message["Subject"])
    for name, value in (("X-Supplywatch-Transition", transition), ("Auto-Submitted", "auto-generated"),
                        ("List-Id", f"supplywatch alerts <alerts.{DOMAIN}>")):
        expect(message[name] == value, f"{name}: {message[name]}")
    expect(message["In-Reply-To"] == message["References"].split()[-1], message["References"])
    text = " ".join(text_of(message).split())
    for said in (message["Subject"].split("] ", 1)[1], "2025-09", " t ", "Source magnets,", "Rule magnets-falling: ", "Alert "):
        expect(said in text, f"no {said!r} in {text}")
    expect(message.get_content_type() == "multipart/alternative", message.get_content_type())
    html = message.get_body(("html",)).get_content()
    shown = re.findall(r"""["']cid:([^"']+)["']""", html)
    pictures = {part["Content-ID"].strip("<>"): part for part in message.walk() if part.get_content_type() == "image/png"}
    expect(shown and set(shown) == set(pictures), f"shown {shown}, sent {list(pictures)}")
    for part in pictures.values():
        expect(part.get_content().startswith(b"\x89PNG\r\n\x1a\n"), part["Content-ID"])
        expect(part.get_content_disposition() == "inline", part["Content-Disposition"])


def is_signed(ours, mails, place):
    """That an independent verifier takes the signatures, by the records that the program prints."""
    (place / "dns").write_text(ours.ask("receivers", "dkim", "--format", "json").stdout)
    for number, mail in enumerate(mails):
        (place / f"{number}.eml").write_bytes(mail)
    verify = [from_pypi(DKIMPY) / "python", ROOT / "tests/validators/signature.py", place / "dns"]
    done = subprocess.run([*verify, *(place / f"{number}.eml" for number in range(len(mails)))], text=True,
                          capture_output=True)
    expect(done.returncode == 0, done.stdout + done.stderr)


def key(place, name, *how):
    subprocess.run(["openssl", "genpkey", *how, "-out", place / name], check=True, capture_output=True)
    return {"domain": DOMAIN, "selector": "watch", "key": {"file": str(place / name)}}


def story(options, relay, place):
    rsa = key(place, "rsa.pem", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    with watch(options, relay.receiver("story", dkim=rsa)) as ours:
        for figures, _, _ in STORY:
            ours.once(figures)
        mails = relay.mails("story", len(STORY))
        messages = [parsed(mail) for mail in mails]
        for message, (_, words, transition) in zip(messages, STORY):
            complete(message, words, transition)
        ids = [f"<{sent['id']}@{DOMAIN}>" for sent in reversed(ours.deliveries())]
        expect([message["Message-ID"] for message in messages] == ids and len(set(ids)) == len(ids), ids)
        roots = [message["References"] for message in messages]
        # The fourth, by which a revision brings the alert back, belongs to what was said before.
        expect(roots == [roots[0]] * 3 + [f"{roots[0]} {roots[4]}", roots[4]] and roots[0] != roots[4], roots)
        expect(relay.threads("story") == [[1, 2, 3, 4, 5]], relay.threads("story"))
        yield f"5 mails by STARTTLS, one thread by THREAD=REFERENCES, charts by cid; the first:\n{text_of(messages[0])}"
        is_signed(ours, mails, place)
    ed25519 = key(place, "ed25519.pem", "-algorithm", "ed25519")
    with watch(options, relay.receiver("signed", port=relay.submissions, tls="implicit", dkim=ed25519)) as ours:
        ours.once(FIRES)
        is_signed(ours, relay.mails("signed", 1), place)
    yield "DKIM by RSA and by Ed25519 (with implicit TLS): dkimpy verifies what came out of Dovecot, and nothing else"


def protection(options, relay):
    wrong = "not-the-password"
    with watch(options, relay.receiver("login", password=wrong)) as ours:
        said = [ours.once(FIRES, code=1)]
        held = ours.failed()[0]
        expect(held["state"] == "pending" and "535" in held["last_error"], held)
        said += [ours.ask(*verb.split()).stdout for verb in
                 ("receivers --format json", f"deliveries show {held['id']}", "deliveries --failed --format json")]
        expect(json.loads(said[1])["state"] == "disabled", said[1])
        stored = b"".join(path.read_bytes() for path in ours.directory.rglob("*.db*"))
        expect(stored and not any(wrong in text for text in said) and wrong.encode() not in stored, said)
        ours.configure(relay.receiver("login"))
        ours.once()
        relay.mails("login", 1)
    yield "a wrong password (535): disabled, shown and kept nowhere; with the right one it is delivered"
    with watch(options, relay.receiver("stranger", ca_file=None)) as ours:
        ours.once(FIRES, code=1)
        held = ours.failed()[0]
        expect(held["state"] == "pending" and "certificate" in held["last_error"], held)
        relay.mails("stranger", 0)
    yield "a certificate of an authority that is not ours to trust: nothing is sent"


def refusals(options, relay):
    with watch(options, relay.receiver("one", "dead", "two")) as ours:
        said = ours.once(FIRES)
        expect(f"dead@{DOMAIN}: RCPT: 550 5.1.1" in said, said)
        expect(not is_marked(parsed(relay.mails("one", 1)[0])) and relay.mails("two", 1), "one and two")
        sent = ours.deliveries()[0]
        expect(sent["state"] == "sent" and f"refused for dead@{DOMAIN}" in sent["remote_ref"], sent)
        ours.once()
        expect(relay.mails("one", 1) and relay.mails("two", 1), "once")
    yield "550 for one of three: the others have it, once; the one is told of"
    with watch(options, relay.receiver("busy")) as ours:
        ours.once(FIRES, code=1)
        held = ours.failed()[0]
        expect(held["state"] == "pending" and "451 4.3.0" in held["last_error"], held)
        waits = instant(held["not_before"]) - instant(held["created_at"])
        expect(waits >= datetime.timedelta(seconds=60), waits)
        relay.policy.is_busy = False
        # One run tries what waits all the same.
        ours.once()
        expect(not is_marked(parsed(relay.mails("busy", 1)[0])), "it never had one before")
    yield "451: a daemon would come back after a minute or more; a single run delivers it, unmarked"


def losses(options, relay):
    door = Lossy(relay.plain, after=b"354 ")
    with watch(options, relay.bare(door.port, "lost")) as ours:
        door.loses = True
        ours.once(FIRES, code=1)
        door.loses = False
        ours.until_delivered()
        repeated(relay.mails("lost", 2))
    yield "the answer to the mail is lost: the same Message-ID again, and it says that it may be a repeat"
    with watch(options, relay.bare(door.port, "killed")) as ours:
        killed(ours, door)
        ours.once()
        repeated(relay.mails("killed", 2))
    yield "kill -9 before the answer to the mail: the same, at the next start"
    door = Lossy(relay.plain, after=b"250 2.1.5")
    with watch(options, relay.bare(door.port, "early")) as ours:
        killed(ours, door)
        ours.once()
        relay.mails("early", 1)
    yield "kill -9 before the mail was written: it is there once, after the next start"


def repeated(mails):
    first, second = map(parsed, mails)
    expect(first["Message-ID"] == second["Message-ID"], (first["Message-ID"], second["Message-ID"]))
    expect(not is_marked(first) and is_marked(second), text_of(second))


def killed(ours, door):
    """The program is killed while it waits for an answer."""
    door.holds = True
    process = ours.start(FIRES)
    is_held = door.held.wait(PATIENCE)
    process.kill()
    process.wait()
    door.holds = False
    expect(is_held, (ours.directory / "daemon.log").read_text())


def mail(options, place):
    if os.geteuid():
        raise Absent("Postfix can only be started by root")
    from_pypi(DKIMPY)
    relay = Relay(place)
    with relay.running(), watch(options, relay.receiver("patient", "grey")) as patient:
        daemon = patient.start(FIRES)
        try:
            yield from story(options, relay, place)
            yield from protection(options, relay)
            yield from refusals(options, relay)
            yield from losses(options, relay)
            marked = [is_marked(parsed(relay.mails(person, 1)[0])) for person in ("patient", "grey")]
            first, *more = relay.policy.tries[f"grey@{DOMAIN}"]
            expect(len(more) == 1 and more[0] - first >= GREY and not any(marked), (more, marked))
            yield f"greylisted for {GREY} s: delivered at the second try, after {more[0] - first:.0f} s, and to nobody twice"
        finally:
            daemon.terminate()
            daemon.wait(PATIENCE)
