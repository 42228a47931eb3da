"""A service as it is used: started, asked, reloaded, stopped, and given its secrets."""
import json
import os
import pathlib
import time

from kit import expect
from receiver import KEY, Receiver
from story import CONFIG, CONFIG_PATH, QUICK, SECRET, STATE, UNIT


def start(story):
    machine, begun = story.machine, time.monotonic()
    machine.run("systemctl", "start", UNIT)
    took = time.monotonic() - begun
    page = machine.says("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:9180/")
    socket = machine.path("/run/supplywatch/supplywatch.sock")
    socket = machine.says("stat", "-c", "%a %U %G", "/run/supplywatch/supplywatch.sock")
    status, user = machine.unit("StatusText", "UID")
    expect(page == "200" and socket == "660 supplywatch supplywatch-operators", f"page {page}, socket {socket}")
    return f"READY after {took:.2f} s: “{status}”; the page answers 200, the socket is {socket}; uid {user}"


def first_alert(story):
    machine, begun = story.machine, time.monotonic()
    delivered = lambda: [entry for entry in machine.journal() if entry.get("OUTCOME") == "delivered"]
    machine.wait(lambda: len(delivered()) >= 2, "two alerts are in the journal")
    told = "\n".join(str(entry["MESSAGE"]) for entry in machine.journal())
    expect("fell for a 2nd month" in told and "NdPr" in told, told)
    return f"both sample alerts in the journal {time.monotonic() - begun:.1f} s after the start"


def journal_fields(story):
    entries = story.machine.journal("RECEIVER=desk")
    expect(len(entries) == 2, f"{len(entries)} entries of the receiver")
    wanted = {"RECEIVER", "DELIVERY", "OUTCOME", "ATTEMPT", "PRIORITY", "SYSLOG_IDENTIFIER"}
    expect(all(wanted <= set(entry) for entry in entries), f"fields: {sorted(entries[0])}")
    other = story.machine.journal("RECEIVER=nobody")
    expect(not other, "a receiver that is none has entries")
    expect(all('receiver="desk"' in entry["MESSAGE"] for entry in entries), f"texts: {[e['MESSAGE'] for e in entries]}")
    fields = sorted(field for field in entries[0] if not field.startswith(("_", "CODE_", "SYSLOG_")))
    return f"`journalctl RECEIVER=desk` finds its 2 deliveries; fields {', '.join(fields)}"


def command_line(story):
    machine = story.machine
    root, member = (len(machine.ask("alerts", user=user)) for user in (None, "anna"))
    expect((root, member) == (2, 2), f"alerts: root sees {root}, a member {member}")
    alert = machine.ask("alerts", user="anna")[0]["id"]
    machine.run("supplywatch", "ack", alert, "--note", "seen", user="anna")
    stranger = machine.run("supplywatch", "alerts", user="bob", check=False)
    expect(stranger.returncode == 70 and "supplywatch-operators" in stranger.stderr, f"a stranger: {stranger}")
    for user in ("anna", "bob"):
        state = machine.run("cat", f"{STATE}/supplywatch.db", user=user, check=False)
        expect(state.returncode, f"{user} reads the state itself")
    rules = machine.run("supplywatch", "explain", "magnet-exports-falling", "partner=US")
    expect("420" in rules.stdout, rules.stdout)
    return ("root sees 2 alerts, a member 2 and acknowledges one, a stranger is told why not (70); "
            "nobody but root reads the state")


def reload_good(story):
    machine = story.machine
    # From here on nobody waits for a restart as long as a machine does.
    machine.drop_in("quick", QUICK)
    story.hook = Receiver(machine)
    story.figures()
    story.configure()
    pid, begun = machine.pid(), time.monotonic()
    machine.run("systemctl", "reload", UNIT)
    took = time.monotonic() - begun
    status, = machine.unit("StatusText")
    expect(machine.pid() == pid and "1 feed, 1 rule, 2 receivers" in status, status)
    story.told()
    return f"rc 0 after {took:.2f} s, “{status}”, same process; the new rule's alert arrived"


def reload_bad(story):
    machine, after = story.machine, story.machine.cursor()
    machine.write(CONFIG_PATH, CONFIG.replace("value < 500 t", "value < 500 bananas"))
    try:
        begun = time.monotonic()
        machine.run("systemctl", "reload", UNIT)
        took = time.monotonic() - begun
        status, active = machine.unit("StatusText", "ActiveState")
        expect(active == "active" and "reload failed" in status and "old configuration kept" in status, status)
        errors = [entry for entry in machine.journal(after=after) if entry["PRIORITY"] == "3"]
        expect(any("bananas" in json.dumps(entry) for entry in errors), f"the log: {errors}")
        story.figures()
        story.told()
    finally:
        story.configure()
        machine.run("systemctl", "reload", UNIT)
    return f"rc 0 after {took:.2f} s, “{status}”; the log has the problem, and alerts go on by the old one"


def stop_drains(story):
    machine = story.machine
    story.hook.open.clear()
    story.figures()
    story.hook.wait(len(story.hook.ids()) + 1)
    # The time is too short but for the extension that the daemon asks for.
    machine.drop_in("stop", "[Service]\nTimeoutStopSec=2\n")
    machine.run("systemctl", "stop", "--no-block", UNIT)
    machine.wait(lambda: machine.unit("ActiveState") == ["deactivating"], "it is about to end")
    time.sleep(5)
    state, status = machine.unit("ActiveState", "StatusText")
    expect(state == "deactivating", f"{state} after 5 s")
    posts = len(story.hook.ids())
    story.hook.open.set()
    machine.wait(lambda: machine.unit("ActiveState") == ["inactive"], "it has ended")
    result, code = machine.unit("Result", "ExecMainStatus")
    expect((result, code) == ("success", "0"), f"{result}, {code}")
    machine.drop_in("stop", None)
    machine.run("systemctl", "start", UNIT)
    story.told()
    expect(len(story.hook.ids()) == posts, "it was sent again though it had arrived")
    return f"waited for a slow receiver (“{status}”) beyond TimeoutStopSec=2, exit 0, recorded as sent: not sent again"


def stop_beyond_grace(story):
    machine = story.machine
    story.hook.open.clear()
    story.figures()
    story.hook.wait(len(story.hook.ids()) + 1)
    begun = time.monotonic()
    machine.run("systemctl", "stop", UNIT)
    took = time.monotonic() - begun
    result, code = machine.unit("Result", "ExecMainStatus")
    expect((result, code) == ("success", "0") and 20 < took < 45, f"{result}, {code} after {took:.0f} s")
    story.hook.open.set()
    machine.run("systemctl", "start", UNIT)
    story.told(90)
    again = [id for id in story.hook.ids() if story.hook.ids().count(id) > 1]
    expect(again, "it was not sent again")
    return (f"a receiver that does not answer: ended after {took:.0f} s, exit 0; owed, and sent under the same id after "
            "the start")


def state_over_restarts(story):
    machine = story.machine
    deliveries = lambda: machine.ask("deliveries", "--limit", "1000")
    before = sorted(delivery["id"] for delivery in deliveries())
    for _ in range(3):
        machine.restart()
    after = sorted(delivery["id"] for delivery in deliveries())
    expect(before == after and len(before) > 1, f"{len(before)} deliveries before, {len(after)} after")
    place = machine.says("stat", "-c", "%a %U", STATE)
    link = machine.says("readlink", "/var/lib/supplywatch")
    # Where file systems can be mapped, it belongs to nobody at all on the disk.
    expect(place in ("700 supplywatch", "700 nobody") and link == "private/supplywatch", f"{place}, {link}")
    return f"3 restarts: the same {len(after)} deliveries; {STATE} is {place}"


def credential(story):
    machine, seen = story.machine, []
    machine.write("/etc/supplywatch/credentials/hook-secret", KEY + "\n", 0o600)
    story.configure(SECRET)
    plain = "[Service]\nLoadCredential=hook-secret:/etc/supplywatch/credentials/hook-secret\n"
    secret = "/etc/supplywatch/credentials/hook-secret.cred"
    encrypted = f"[Service]\nLoadCredentialEncrypted=hook-secret:{secret}\n"
    for name, line in (("plain", plain), ("encrypted", encrypted)):
        if name == "encrypted":
            machine.run("systemd-creds", "encrypt", "--with-key=host", "--name=hook-secret", "-", secret, stdin=KEY)
            machine.path("/etc/supplywatch/credentials/hook-secret").unlink()
            expect(KEY not in machine.path(secret).read_text(), "it is not encrypted")
        machine.drop_in("credentials", line)
        machine.restart()
        story.figures()
        story.told()
        expect(story.hook.posts[-1].is_signed, "the message is not signed with the secret")
        seen.append(f"{name} read, and the message signed with it")
    for user in ("anna", "bob"):
        read = machine.run("cat", f"/run/credentials/{UNIT}.service/hook-secret", user=user, check=False)
        expect(read.returncode, f"{user} reads the secret")
    member = machine.run("supplywatch", "alerts", user="anna")
    expect("hook-secret" not in member.stderr, member.stderr)
    return f"{'; '.join(seen)}; a member of the group cannot read it, and has the command line all the same"


def missing_credential(story):
    machine = story.machine
    secret = machine.path("/etc/supplywatch/credentials/hook-secret.cred")
    secret.rename(secret.with_suffix(".away"))
    story.figures()
    begun = machine.run("systemctl", "restart", UNIT, check=False)
    expect(begun.returncode, "it starts without its secret")
    result, code = machine.unit("Result", "ExecMainStatus")
    secret.with_suffix(".away").rename(secret)
    machine.active()
    story.told()
    machine.drop_in("credentials", None)
    story.configure()
    machine.restart()
    expect(code == "243", f"{result} {code}")
    return f"243 while it is missing ({result}); there again, it starts by itself, and what came meanwhile is told"


def page_by_socket(story):
    machine = story.machine
    machine.run("systemctl", "stop", UNIT)
    machine.run("systemctl", "enable", "--now", f"{UNIT}.socket")
    # How it was answered, and how curl ended: 7, where nobody listens.
    curl = ["curl", "-s", "-m", "30", "-o", "/dev/null", "-w", "%{http_code} %{exitcode}", "http://127.0.0.1:9180/"]
    visited = machine.says(*curl)
    active, = machine.unit("ActiveState")
    expect((visited, active) == ("200 0", "active"), f"{visited}, {active}")
    restart = machine.aside("systemctl", "restart", UNIT)
    visits = []
    while restart.poll() is None:
        visits.append(machine.says(*curl, check=False))
    refused = [visit for visit in visits if visit.endswith(" 7")]
    # Whoever was let in at the moment of the end may be cut off.
    cut = [visit for visit in visits if visit != "200 0"]
    by_systemd = "systemd listens at" not in json.dumps(machine.journal()[-20:])
    machine.run("systemctl", "disable", "--now", f"{UNIT}.socket")
    machine.restart()
    alone = machine.says(*curl)
    expect(alone == "200 0" and by_systemd and not refused and len(cut) <= 1, f"{alone}, {visits}")
    return (f"a visit starts the service and is answered; {len(visits)} visits during a restart, none refused, {len(cut)} "
            "cut off; without the socket it opens the address itself")


def memory(story):
    machine = story.machine
    machine.restart()
    time.sleep(3)
    pid = pathlib.Path(f"/proc/{machine.process()}")
    status = dict(line.split(":", 1) for line in (pid / "status").read_text().splitlines())
    resident, tasks, files = int(status["VmRSS"].split()[0]) >> 10, int(status["Threads"]), len(os.listdir(pid / "fd"))
    of_group, tasks_of_group, most, may = machine.unit("MemoryCurrent", "TasksCurrent", "MemoryMax", "TasksMax")
    expect(resident < 100 and tasks < 32, f"{resident} MiB, {tasks} tasks")
    return (f"resident {resident} MiB, {tasks} threads, {files} open files; systemd counts memory {of_group} of {most}, "
            f"tasks {tasks_of_group} of {may}")


def reboot(story):
    machine = story.machine
    story.hook.status = 503
    story.figures()
    story.hook.wait(len(story.hook.ids()) + 1)
    machine.wait(lambda: any(delivery["state"] == "pending" for delivery in story.owed()), "it is owed")
    machine.shut_down()
    machine.boot()
    ids = story.hook.posts
    story.hook.close()
    story.hook = Receiver(machine)
    story.hook.posts = ids
    begun = time.monotonic()
    machine.active()
    story.told(120)
    return f"up again by itself; what was owed before the reboot was told {time.monotonic() - begun:.0f} s after it"
