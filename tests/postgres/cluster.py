"""Several PostgreSQL servers as one: a primary, standbys that follow it, PgBouncer before it; and what befalls them."""
import contextlib
import os
import shutil
import signal
import subprocess
import time

from server import Absent, Broken, Server, as_user, children, environment, free_port, give, run, until

# Servers are where only root looks.
PATHS = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def command(name, package):
    found = shutil.which(name, path=PATHS)
    if not found:
        raise Absent(f"no `{name}`: install the package {package}")
    return found


class Cluster:
    """A primary `a` and its standbys `b`, `c` …; a commit waits for one of them, whichever is first."""

    def __init__(self, place, standbys=2):
        self.place = place
        self.primary = Server(place, "a", max_wal_senders=8, wal_keep_size="256MB")
        self.servers = {"a": self.primary}
        self.standbys = ["b", "c", "d"][:standbys]
        self.stopped = []

    def start(self):
        self.primary.create().start()
        for name in self.standbys:
            self.follow(name)
        self.synchronize()
        until(self.is_followed, "all standbys follow the primary")
        return self

    def follow(self, name):
        """A copy of the primary that follows it."""
        server = self.servers[name] = Server(self.place, name, **{
            key: value for key, value in self.primary.settings.items()
            if key not in ("listen_addresses", "port", "unix_socket_directories", "cluster_name")})
        run([server.binaries / "pg_basebackup", "--pgdata", server.data, "--host", self.place, "--port", self.primary.port,
             "--username=sw", "--wal-method=stream", "--checkpoint=fast", "--no-sync"], self.place)
        (server.data / "postgresql.auto.conf").write_text("")
        (server.data / "standby.signal").touch()
        give(server.data / "standby.signal")
        server.configure(primary_conninfo=self.conninfo(name)).start()

    def conninfo(self, name):
        return f"host=127.0.0.1 port={self.primary.port} user=sw application_name={name}"

    def synchronize(self):
        """From now on a commit waits for a standby, if there are any."""
        names = f"ANY 1 ({','.join(self.standbys)})" if self.standbys else ""
        self.primary.psql(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'; SELECT pg_reload_conf()")

    def is_followed(self):
        """Whether all standbys have what the primary has, but for what is on its way."""
        count = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'quorum'"
        return self.primary.value(count) == str(len(self.standbys))

    def url(self, database="postgres"):
        """The address of all of them, of which the one that can be written to is meant."""
        hosts = ",".join(f"{one.address}:{one.port}" for _, one in sorted(self.servers.items()))
        return f"postgres://sw@{hosts}/{database}?target_session_attrs=read-write"

    # What befalls it.

    def fail(self):
        """Ends the primary at once, as a power cut does; which one it was."""
        self.primary.kill()
        return self.primary

    def promote(self):
        """Makes the standby that has received most the primary, which the others follow: what was confirmed by one of
        them is nowhere else. How many seconds it took."""
        begun = time.monotonic()
        received = {name: int(self.servers[name].value("SELECT coalesce(pg_last_wal_receive_lsn(), '0/0') - '0/0'"))
                    for name in self.standbys}
        chosen = max(received, key=received.get)
        self.standbys.remove(chosen)
        self.primary = self.servers[chosen]
        self.primary.psql("SELECT pg_promote(true, 60)")
        took = time.monotonic() - begun
        for name in self.standbys:
            follower = self.servers[name].configure(primary_conninfo=self.conninfo(name))
            follower.psql("SELECT pg_reload_conf()")
        self.synchronize()
        return took

    def resurrect(self, server):
        """Starts a primary of before again as it was, alone and with no standby to wait for: it can be written to, and
        does not know that there is another."""
        (server.data / "postgresql.auto.conf").write_text("")
        give(server.data / "postgresql.auto.conf")
        server.start()

    def lag(self, name):
        """Stops what receives the primary's log at a standby; `catch_up` lets it go on."""
        pids = [pid for pid, what in children(self.servers[name].process.pid) if "walreceiver" in what]
        if not pids:
            raise Broken(f"the standby {name} receives nothing")
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        self.stopped += pids

    def catch_up(self):
        for pid in self.stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.stopped = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.catch_up()
        # Standbys first: a primary that ends waits until they have all of its log.
        for server in sorted(self.servers.values(), key=lambda one: one is self.primary):
            server.close()


class Bouncer:
    """PgBouncer before a server, each transaction on whichever connection is free."""

    def __init__(self, server, connections=4):
        self.server, self.port, self.process = server, free_port(), None
        self.ini, self.log = server.place / "pgbouncer.ini", server.place / "pgbouncer.log"
        self.program = command("pgbouncer", "pgbouncer")
        self.ini.write_text("\n".join([
            "[databases]", f"* = host={server.address} port={server.port} user=sw", "[pgbouncer]", "listen_addr = 127.0.0.1",
            f"listen_port = {self.port}", "unix_socket_dir =", "auth_type = any", "pool_mode = transaction",
            f"default_pool_size = {connections}", "max_client_conn = 200", ""]))

    def url(self, database="postgres"):
        return f"postgres://sw@127.0.0.1:{self.port}/{database}"

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.program, self.ini], cwd=self.server.place, stdout=log, stderr=log,
                                            env=environment(self.server.place), start_new_session=True, **as_user())
        psql = [self.server.binaries / "psql", "-qAtX", "-c", "SELECT 1", self.url()]

        def answers():
            if self.process.poll() is not None:
                raise Broken(f"PgBouncer does not start:\n{self.log.read_text(errors='replace')[-2000:]}")
            return subprocess.run(psql, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

        try:
            until(answers, "PgBouncer answers")
        except Broken:
            self.stop()
            raise
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Disk:
    """A small disk of its own for a folder, which can be full. It takes root."""

    def __init__(self, place, mebibytes):
        self.place, self.ballast = place, place / "ballast"
        place.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "postgres", str(place)]
        if os.geteuid() != 0 or subprocess.run(mount, stderr=subprocess.DEVNULL).returncode:
            raise Absent("a disk of its own takes root, and the right to mount")
        give(place)

    def fill(self):
        with contextlib.suppress(OSError), open(self.ballast, "ab", buffering=0) as ballast:
            while True:
                ballast.write(b"x" * 4096)

    def empty(self):
        self.ballast.unlink(missing_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", str(self.place)], check=True)


class Network:
    """A network of its own for a server, with one cable to it that can be cut. It takes root."""

    def __init__(self, number=os.getpid() % 16000):
        self.ip, self.nft = command("ip", "iproute2"), command("nft", "nftables")
        self.name = f"sw{number}"
        self.here, self.address = (f"198.18.{number * 4 // 256}.{number * 4 % 256 + last}" for last in (1, 2))
        if os.geteuid() != 0:
            raise Absent("a network of its own takes root")

    def within(self):
        """What a program is started with to be there; it becomes the server's user as well."""
        user = as_user()
        return [self.ip, "netns", "exec", self.name, command("setpriv", "util-linux"), f"--reuid={user['user']}",
                f"--regid={user['group']}", "--clear-groups"]

    def do(self, *arguments):
        ended = subprocess.run([self.ip, *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if ended.returncode:
            raise Broken(f"ip {' '.join(arguments)}: {ended.stdout}")

    def rules(self, *lines):
        """The firewall there from now on."""
        text = "\n".join(["flush ruleset", "table inet cut {", "chain input {", "type filter hook input priority 0;", *lines,
                          "}", "chain output {", "type filter hook output priority 0;", *lines, "}", "}", ""])
        subprocess.run([self.ip, "netns", "exec", self.name, self.nft, "-f", "-"], input=text, text=True, check=True)

    def drop(self):
        """Nothing arrives, and nobody is told."""
        self.rules("meta l4proto tcp drop")

    def reset(self):
        """All that arrives is answered with a reset."""
        self.rules("tcp flags & rst == rst accept", "meta l4proto tcp reject with tcp reset")

    def heal(self):
        self.rules()

    def __enter__(self):
        self.do("netns", "add", self.name)
        try:
            self.do("link", "add", self.name, "type", "veth", "peer", "name", "inside", "netns", self.name)
            self.do("address", "add", f"{self.here}/30", "dev", self.name)
            self.do("link", "set", self.name, "up")
            for arguments in (["address", "add", f"{self.address}/30", "dev", "inside"], ["link", "set", "inside", "up"],
                              ["link", "set", "lo", "up"]):
                self.do("-n", self.name, *arguments)
        except Broken:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        subprocess.run([self.ip, "netns", "delete", self.name], stderr=subprocess.DEVNULL)
