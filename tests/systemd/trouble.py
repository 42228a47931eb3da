"""What befalls a service: it hangs, is killed, may not start, has no room, and its clock is wrong."""
import os
import pathlib
import shutil
import signal
import time

from kit import command, expect
from story import CONFIG, CONFIG_PATH, QUICK, STATE, UNIT


def watchdog(story):
    machine = story.machine
    machine.drop_in("quick", QUICK + "WatchdogSec=4\n")
    pid = machine.restart()
    time.sleep(9)
    expect(machine.pid() == pid, "it lives on when it is well")
    after = machine.cursor()
    os.kill(machine.process(), signal.SIGSTOP)
    stopped = time.monotonic()
    machine.wait(lambda: machine.pid() not in (0, pid), "another process runs", 30)
    took = time.monotonic() - stopped
    machine.active()
    said = machine.run("journalctl", f"--after-cursor={after}", "-u", UNIT, "-o", "cat").stdout
    expect("Failed with result 'watchdog'" in said, said)
    story.figures()
    story.told()
    machine.drop_in("quick", QUICK)
    return (f"well for 9 s at WatchdogSec=4; stopped (SIGSTOP), it was ended {took:.1f} s later, Result=watchdog, and "
            "started again")


def kill(story):
    machine = story.machine
    pid = machine.restart()
    story.hook.open.clear()
    story.figures()
    story.hook.wait(len(story.hook.ids()) + 1)
    os.kill(machine.process(), signal.SIGKILL)
    machine.wait(lambda: machine.pid() not in (0, pid), "another process runs")
    took = machine.took
    story.hook.open.set()
    story.told()
    again = len(story.hook.ids()) - len(set(story.hook.ids()))
    expect(again >= 1, "the message under way was not sent again")
    return (f"kill -9 with a delivery under way: started again after {took:.1f} s (RestartSec=1), sent again under the "
            "same id, nothing lost")


def exit_codes(story):
    machine, seen = story.machine, []
    machine.run("systemctl", "stop", UNIT)
    machine.write(CONFIG_PATH, CONFIG.replace("value < 500 t", "value < 500 bananas"))
    for code, line in ((78, None), (2, "[Service]\nExecStart=\nExecStart=supplywatch run --twice\n")):
        machine.drop_in("start", line)
        begun = machine.run("systemctl", "start", UNIT, check=False)
        expect(begun.returncode != 0, "a start that fails says so")
        time.sleep(4)
        state, result, main, again = machine.unit("ActiveState", "Result", "ExecMainStatus", "NRestarts")
        expect((state, result, main, again) == ("failed", "exit-code", str(code), "0"), f"{state} {result} {main} {again}")
        machine.run("systemctl", "reset-failed", UNIT)
        seen.append(f"{code} stays failed")
    machine.drop_in("start", None)
    story.configure()
    # Another process has the store: that may pass.
    after = machine.cursor()
    holder = machine.aside("flock", f"{STATE}/supplywatch.db-lock", "sleep", "60")
    machine.run("systemctl", "start", "--no-block", UNIT)
    machine.wait(lambda: int(machine.unit("NRestarts")[0]) >= 2, "it is started again and again")
    machine.run("pkill", "-f", "sleep 60")
    holder.wait()
    machine.active()
    story.figures()
    story.told()
    said = machine.run("journalctl", f"--after-cursor={after}", "-u", UNIT, "-o", "cat").stdout
    expect(said.count("status=70") >= 2 and "another supplywatch" in said, said)
    return f"{', '.join(seen)} with 0 restarts; 70 (the store is another's) is started again until it may"


def full_disk(story):
    machine, after = story.machine, story.machine.cursor()
    machine.run("systemctl", "stop", UNIT)
    # A disk of its own for the state.
    machine.run("sh", "-ec", f"""
        mv {STATE} {STATE}.away
        mkdir {STATE}
        mount -t tmpfs -o size=24m,mode=700 none {STATE}
        cp -a {STATE}.away/. {STATE}/
        chown --reference={STATE}.away {STATE}""")
    try:
        machine.run("systemctl", "start", UNIT)
        machine.run("sh", "-c", f"cat /dev/zero > {STATE}/filler", check=False)
        story.figures()
        machine.wait(lambda: int(machine.unit("NRestarts")[0]) >= 2, "it is started again and again", 60)
        said = machine.run("journalctl", f"--after-cursor={after}", "-u", UNIT, "-o", "cat").stdout
        machine.run("rm", f"{STATE}/filler")
        machine.active(60)
        story.told(60)
    finally:
        machine.run("systemctl", "stop", UNIT, check=False)
        machine.run("sh", "-ec", f"""
            rm -f {STATE}/filler
            cp -a {STATE}/. {STATE}.away/
            umount {STATE}
            rmdir {STATE}
            mv {STATE}.away {STATE}""")
    expect("status=70" in said and "disk" in said, said)
    machine.run("systemctl", "start", UNIT)
    story.told()
    why = next(line for line in said.splitlines() if "disk" in line)
    return (f"on a full disk it ends with 70 and is started again (“{why[:150]}”); with room it told what had come: nothing "
            "lost")


def clock(story):
    """A container may not set the machine's clock: the service alone is given another one."""
    machine = story.machine
    shutil.copy(faketime(), machine.path("/opt/faketime.so"))
    variables = ("LD_PRELOAD=/opt/faketime.so FAKETIME_TIMESTAMP_FILE=/etc/supplywatch/clock FAKETIME_NO_CACHE=1 "
                 "DONT_FAKE_MONOTONIC=1")
    machine.write("/etc/supplywatch/clock", "+0d\n")
    machine.drop_in("clock", f"{QUICK}WatchdogSec=20\nEnvironment={variables}\n")
    pid, seen = machine.restart(), []
    try:
        for step in ("+0d", "+40d", "+39d", "+0d"):
            machine.write("/etc/supplywatch/clock", f"{step}\n")
            begun = time.monotonic()
            story.figures()
            story.told(90)
            seen.append(f"{step} {time.monotonic() - begun:.0f} s")
        time.sleep(20)
        expect(machine.pid() == pid, "it was started again")
    finally:
        machine.drop_in("clock", None)
        machine.restart()
    return (f"the clock set forward by 40 days, back by one and back by 39: told after {', '.join(seen)}; the same "
            "process, its watchdog content")


def faketime():
    """The library that gives a process another clock; Debian's."""
    command("faketime", "faketime")
    return next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
