"""The package comes, is replaced, and goes; backups are made and put back."""
import re
import shutil
import time

from kit import ROOT, expect
from story import CONFIG_PATH, STATE, UNIT, Skipped


def install(story):
    machine = story.machine
    if story.options.package:
        shutil.copy(story.options.package, machine.path("/root/supplywatch.deb"))
        said = machine.run("dpkg", "--install", "/root/supplywatch.deb")
        said = said.stdout + said.stderr
        expect(not re.search(r"(?i)error|warning|fail", said), said)
        how = story.options.package.name
    else:
        by_hand(machine, story.options.program)
        how = "by hand"
    credentials = machine.says("stat", "-c", "%a %U %G", "/etc/supplywatch/credentials")
    expect(credentials == "700 root root", f"credentials: {credentials}")
    group = machine.says("getent", "group", "supplywatch-operators").split(":")
    expect(group[3] == "", "nobody is in the group yet")
    enabled, active = (machine.says("systemctl", verb, UNIT, check=False) for verb in ("is-enabled", "is-active"))
    expect((enabled, active) == ("enabled", "inactive"), f"{enabled}, {active}")
    units = [f"{UNIT}.service", f"{UNIT}.socket"]
    for example in [None, *(ROOT / "systemd/examples").glob("*.conf")]:
        if example:
            machine.drop_in("example", example.read_text())
        verified = machine.run("systemd-analyze", "verify", *units, check=False)
        expect(not verified.stdout + verified.stderr, f"{example}: {verified.stdout}{verified.stderr}")
    machine.drop_in("example", None)
    exposure = machine.says("systemd-analyze", "security", "--no-pager", "--threshold=11", UNIT).splitlines()[-1]
    machine.run("useradd", "--create-home", "--groups", "supplywatch-operators", "anna")
    machine.run("useradd", "--create-home", "bob")
    version = machine.says("systemctl", "--version").splitlines()[0]
    return f"{version}; {how}: enabled, not started; group {group[2]}, credentials 0700; {exposure.strip(' →')}"


def upgrade(story):
    machine, pid = story.machine, story.machine.pid()
    if story.options.package:
        machine.run("dpkg", "--install", "/root/supplywatch.deb")
    else:
        machine.run("install", "-m", "755", "/usr/local/bin/supplywatch", "/usr/local/bin/supplywatch.new")
        machine.run("mv", "/usr/local/bin/supplywatch.new", "/usr/local/bin/supplywatch")
        machine.run("systemctl", "restart", UNIT)
    machine.active()
    expect(machine.pid() != pid, "it was not started again")
    story.figures()
    story.told()
    kept = "magnets-scarce" in machine.path(CONFIG_PATH).read_text()
    expect(kept, "the operator's config was replaced")
    return "installed again: started again, the state and the operator's config are kept"


def backup(story):
    machine = story.machine
    if machine.run("supplywatch", "store", "--help", check=False).returncode:
        raise Skipped("this program has no verb `store`")
    for name in ("supplywatch-backup.service", "supplywatch-backup.timer"):
        machine.write(f"/etc/systemd/system/{name}", (ROOT / "systemd/examples" / name).read_text())
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "enable", "--now", "supplywatch-backup.timer")
    machine.run("systemctl", "start", "supplywatch-backup")
    machine.run("systemctl", "stop", UNIT)
    # Backups are named by the second.
    time.sleep(1.1)
    machine.run("systemctl", "start", "supplywatch-backup")
    machine.run("systemctl", "start", UNIT)
    folder = "/var/lib/private/supplywatch-backup"
    files = machine.says("sh", "-c", f"cd {folder} && stat -c '%a %n' *.db").splitlines()
    expect(files and all(re.fullmatch(r"600 supplywatch-\d{8}T\d{6}Z\.db", file) for file in files), f"{files}")
    latest = f"{folder}/{files[-1].split()[1]}"
    machine.run("supplywatch", "store", "check", "--state", latest)
    # What comes after it is not known to it.
    story.figures()
    story.told()
    machine.run("systemctl", "stop", UNIT)
    machine.run("supplywatch", "store", "restore", latest)
    machine.run("systemctl", "start", UNIT)
    story.told_again += 1
    story.told()
    story.figures()
    story.told()
    timer = machine.says("systemctl", "show", "supplywatch-backup.timer", "-P", "NextElapseUSecRealtime")
    return (f"{len(files)} backups, beside the daemon and without it, mode 600, checked; one was put back by root, and the "
            f"service went on from there; next {timer}")


def remove(story):
    machine = story.machine
    if not story.options.package:
        raise Skipped("there is no package")
    machine.run("dpkg", "--remove", UNIT)
    expect(machine.unit("ActiveState") == ["inactive"], "it still runs")
    kept = [path for path in (f"{STATE}/supplywatch.db", CONFIG_PATH) if machine.path(path).exists()]
    expect(len(kept) == 2, f"kept: {kept}")
    machine.run("dpkg", "--install", "/root/supplywatch.deb")
    machine.run("systemctl", "start", UNIT)
    story.figures()
    story.told()
    machine.run("dpkg", "--remove", UNIT)
    return "ended; the state and the config are kept; installed again, it goes on where it was"


def purge(story):
    machine = story.machine
    if not story.options.package:
        raise Skipped("there is no package")
    machine.run("dpkg", "--purge", UNIT)
    found = machine.says("find", "/etc", "/usr", "/var", "/run", "-xdev", "-name", "*supplywatch*").splitlines()
    # What somebody has made: drop-ins, figures, backups and their timer.
    made = ("/etc/systemd/system/supplywatch", "/etc/systemd/system/timers.target.wants/", "/etc/supplywatch",
            "/var/lib/supplywatch-backup", "/var/lib/private/supplywatch-backup", "/var/lib/systemd/timers/")
    left = [path for path in found if not path.startswith(made)]
    ours = [path for path in found if path not in left]
    expect(not left, f"left: {left}")
    return f"nothing of the package is left; of the operator's own files: {', '.join(sorted(ours)) or 'none'}"


def guide(story):
    """docs/INSTALL.md, from the top: the package, then by hand."""
    machine, page = story.machine, blocks(ROOT / "docs/INSTALL.md")
    machine.run("sh", "-c", "rm -rf /etc/supplywatch /etc/systemd/system/supplywatch*; systemctl daemon-reload")
    machine.run("useradd", "--create-home", "--groups", "sudo", "carla")
    machine.write("/etc/sudoers.d/carla", "carla ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    home = machine.path("/home/carla")
    machine.write("/home/carla/.here", "/home/carla\n", 0o666)
    seen = []
    if story.options.package:
        shutil.copy(story.options.package, home)
        sums = story.options.package.with_name("SHA256SUMS")
        parts = ["Checking what you have"] if sums.exists() else []
        if sums.exists():
            shutil.copy(sums, home)
        parts += ["Debian, Ubuntu", "The first alert", "Upgrading", "Removing"]
        for part in parts:
            commands = [block for block in page[part] if "/etc/supplywatch" not in block[1][0] or part != "Removing"]
            seen.append(f"{part}: {follow(machine, commands)}")
    if story.options.program.exists():
        # As an archive is unpacked; what is built from the source lies in the same place.
        place = home / "unpacked"
        place.mkdir()
        machine.write("/home/carla/.here", "/home/carla/unpacked\n", 0o666)
        shutil.copy(story.options.program, place / "supplywatch")
        for folder in ("config", "systemd"):
            shutil.copytree(ROOT / folder, place / folder)
        build, *install, away = page["By hand"]
        count = follow(machine, [*install, *page["The first alert"]]) + follow(machine, [away])
        seen.append(f"By hand: {count}")
    expect(seen, "nothing to follow it with")
    return f"each command of docs/INSTALL.md did what it says; {'; '.join(seen)}"


def operating(story):
    """docs/OPERATING.md: what is done to a service that runs as it was installed, and a second one beside it."""
    machine, page = story.machine, blocks(ROOT / "docs/OPERATING.md")
    machine.run("sh", "-c", "rm -rf /etc/supplywatch /etc/systemd/system/supplywatch*; systemctl daemon-reload")
    install_again(story)
    machine.run("systemctl", "start", UNIT)
    machine.write("/home/carla/.here", "/home/carla\n", 0o666)
    seen = []
    for part in ("Does everything answer?", "Backup and restore", "Looking after the store", "Several instances"):
        seen.append(f"{part} {follow(machine, [block for block in page[part] if block[0] == 'sh'])}")
    for unit in (UNIT, f"{UNIT}-metals"):
        expect(machine.says("systemctl", "is-active", unit) == "active", f"{unit} does not run")
    alerts = [len(machine.ask("alerts", *config)) for config in ((), ("--config", "/etc/supplywatch-metals/supplywatch.toml"))]
    expect(alerts == [2, 2], f"alerts of both: {alerts}")
    machine.run("systemctl", "disable", "--now", f"{UNIT}-metals")
    return f"each command of docs/OPERATING.md did what it says: {', '.join(seen)}; both services have their alerts"


def install_again(story):
    """On a machine from which it was taken away."""
    if story.options.package:
        machine = story.machine
        shutil.copy(story.options.package, machine.path("/root/supplywatch.deb"))
        machine.run("dpkg", "--install", "/root/supplywatch.deb")
    else:
        raise Skipped("there is no package")


def by_hand(machine, program):
    """As the package would, where there is none yet."""
    for source, target, mode in (
        (program, "/usr/local/bin/supplywatch", 0o755),
        (ROOT / "systemd/supplywatch.service", "/etc/systemd/system/supplywatch.service", 0o644),
        (ROOT / "systemd/supplywatch.socket", "/etc/systemd/system/supplywatch.socket", 0o644),
        (ROOT / "systemd/supplywatch.sysusers", "/usr/lib/sysusers.d/supplywatch.conf", 0o644),
        (ROOT / "systemd/supplywatch.tmpfiles", "/usr/lib/tmpfiles.d/supplywatch.conf", 0o644),
    ):
        shutil.copy(source, machine.path(target))
        machine.path(target).chmod(mode)
    shutil.copytree(ROOT / "config", machine.path("/etc/supplywatch"), dirs_exist_ok=True)
    machine.run("systemd-sysusers", "supplywatch.conf")
    machine.run("systemd-tmpfiles", "--create", "supplywatch.conf")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "enable", UNIT)


def blocks(page):
    """The fenced blocks of a page by the heading above them: of what kind each is, and its text."""
    found, heading, kind = {}, "", None
    for line in page.read_text().splitlines():
        if line.startswith("```"):
            kind = None if kind is not None else line[3:]
            if kind is not None:
                found.setdefault(heading, []).append((kind, []))
        elif kind is not None:
            found[heading][-1][1].append(line)
        elif line.startswith("#"):
            heading = line.strip("# ")
    return found


def follow(machine, commands):
    """Does what a page says, as somebody who may become root; what it shows must be seen. How many commands there were."""
    count, said = 0, ""
    for kind, lines in commands:
        if kind == "sh":
            # Each block goes on in the folder in which the one before it ended.
            script = "\n".join(['cd "$(cat ~/.here)"', "set -x", *lines, "pwd >~/.here"])
            done = machine.run("sh", "-e", user="carla", stdin=script, check=False, environment={"HOME": "/home/carla"})
            said = done.stdout + done.stderr
            expect(done.returncode == 0, f"it ends with {done.returncode}:\n{said[-3000:]}")
            count += len(lines)
        else:
            # A moment after the start there may be less to see.
            missing = [line for line in lines if line.strip() not in said]
            expect(not missing, f"it does not say {missing}, but\n{said[-3000:]}")
    return count
