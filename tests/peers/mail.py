"""Postfix as the relay, and Dovecot, by which the mails are read back.

Both have their files in a directory of their own, ports of their own and a certificate of an authority of their own.
Postfix asks us for its verdict on each recipient, by its own protocol for that (SMTPD_POLICY_README).
"""
import contextlib
import email
import email.policy
import imaplib
import json
import os
import pwd
import socketserver
import subprocess
import threading
import time

from kit import FIRES, GOES_ON, IS_OVER, PATIENCE, ROOT, Absent, Lossy, command, expect, free_port, from_pypi, listens
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
        name, now = recipient.split("@")[0].split("-")[0], time.monotonic()
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
        (place / "people").write_text("")
        checked = subprocess.run([postfix, "-c", place / "config", "check"], capture_output=True, text=True)
        expect(checked.returncode == 0, checked.stdout + checked.stderr)
        daemons = subprocess.run(["postconf", "-c", place / "config", "-h", "daemon_directory"], capture_output=True,
                                 text=True, check=True, env=os.environ | {"PATH": "/usr/sbin:/usr/bin"}).stdout.strip()
        with server([dovecot, "-F", "-c", place / "dovecot.conf"], place / "dovecot.out", lambda: listens(self.imap)), \
                server([f"{daemons}/master", "-c", place / "config", "-d"], place / "postfix.out",
                       lambda: listens(self.plain)):
            yield


def mail(options, place):
    relay = Relay(place)
    with relay.running():
        time.sleep(1)
        print((place / "postfix.log").read_text() if (place / "postfix.log").exists() else "nolog")
        yield "up"
