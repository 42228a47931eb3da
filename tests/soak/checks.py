"""What must hold of a run. Each check gives what it counted, or raises what is wrong; each has a planted fault that it
must see."""
import collections
import html
import json
import re
import statistics

import model
from kit import expect
from watched import PASSING, RECEIVERS, RULES

# The rules of what moves by itself: the daemon's own health.
ENDS = ("resolved", "lapsed")
# What may be given up, by whom it is for: it is patient for seconds only and wants no copy, or it was gone for a while.
GIVEN_UP = {"brief": "", "guest": "no longer in the config"}
# KiB by which the second half of the last life may grow, or that of a short run, which is still warming up; and how
# large it may become.
GROWTH, WARMING, PEAK = 4 << 10, 16 << 10, 160 << 10
# Files that may be open at the end beyond those after the warm-up: connections of readers come and go.
FILES, THREADS = 12, 6
# Bytes of the store's log, at most: it is brought into the store once a minute.
LOG_BYTES = 68 << 20
# Seconds from a publication to its delivery; feeds are asked every two to five seconds. Where years pass within
# minutes, everything happens at once, and it may take three times as long.
MEDIAN, SLOWEST = 4.0, 12.0


def plain(text):
    """A text without signs, however it is escaped."""
    try:
        text = json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        pass
    return re.sub(r"[\W_]+", "", html.unescape(text)).lower()


def some(found, most=4):
    found = list(found)
    more = [f"and {len(found) - most} more"] if len(found) > most else []
    return "; ".join([*map(str, found[:most]), *more])


def counted(counter):
    return ", ".join(f"{count} {what}" for what, count in sorted(counter.items(), key=str))


def history(transitions):
    """What must be the same when it is played again. A look at everything, as at a start or a reload, may take a group
    through a pull that comes meanwhile, and the rules of single series not: of groups, only the last counts."""
    ends = {(one.rule, one.labels): (one.rule, one.labels, one.kind, one.severity, one.period) for one in transitions}
    is_group = lambda rule: "group_by" in RULES[rule]
    alone = [one.said() for one in transitions if one.rule in RULES and not is_group(one.rule)]
    return alone + [end for (rule, _), end in ends.items() if rule in RULES and is_group(rule)]


def as_history_says(run):
    """alerts are those of the same history, fed to an empty store pull by pull"""
    live, again = history(run.transitions), history(run.again)
    lost = sorted(set(again) - set(live), key=str)
    extra = sorted(set(live) - set(again), key=str)
    expect(not lost and not extra and len(live) == len(again),
           f"{len(lost)} transitions are missing ({some(lost)}), {len(extra)} are too many ({some(extra)})")
    kinds = collections.Counter(one.kind for one in run.transitions if one.rule in RULES)
    alone, all_of = sum(map(len, run.judged.values())), sum(pull.outcome == "changed" for pull in run.pulls)
    return f"{alone} of {all_of} pulls judged by themselves, {len(live)} transitions the same ({counted(kinds)})"


def as_the_model_says(run):
    """what fires, and what a revision alone began or ended, is what the harness works out from the bodies"""
    fires, corrections, compared = 0, 0, 0
    for name in model.RULES:
        played = model.Played(name)
        told = collections.Counter(one.alert for one in run.transitions if one.rule == name and one.kind == "corrected")
        ids = {}
        for one in run.transitions:
            if one.rule == name:
                ids[one.alert] = model.key_of(played.feed, json.loads(one.labels))
        for pull in run.judged[played.feed]:
            played.pull(run.bodies[pull.sha256][0])
        expected = played.firing()
        found = {model.key_of(played.feed, json.loads(labels)): severity for rule, labels, severity in run.firing
                 if rule == name}
        levels = any(isinstance(state, str) for state in expected.values())
        expect(set(found) == set(expected), f"{name}: {sorted(found)} fire, not {sorted(expected)}")
        expect(not levels or found == expected, f"{name}: {found}, not {expected}")
        by_key = collections.Counter({ids[alert]: count for alert, count in told.items()})
        wanted, most = collections.Counter(played.corrected), collections.Counter(played.corrected + played.doubtful)
        expect(not wanted - by_key and not by_key - most,
               f"{name}: corrected {dict(by_key)}, not {dict(wanted)} to {dict(most)}")
        fires, corrections, compared = fires + len(found), corrections + sum(wanted.values()), compared + len(played.state)
    expect(corrections > 0, "no revision took back anything: the run says nothing of corrections")
    return f"{compared} alerts of {len(model.RULES)} rules: {fires} fire, {corrections} corrections, each told"


def notified(one):
    """Who is owed a transition by the config."""
    rule = RULES.get(one.rule) or PASSING.get(one.rule)
    if rule:
        is_quiet = one.kind == "continued" and rule.get("renotify") == "never"
        return [] if is_quiet else rule["notify"]
    return [] if json.loads(one.labels).get("receiver") == "ops" else ["ops"]


def is_owed(run):
    """every transition has a delivery for whom it is owed, or a reason why not"""
    by_transition, by_episode = collections.defaultdict(dict), collections.defaultdict(list)
    for one in run.deliveries:
        by_transition[one.alert, one.number][one.receiver] = one
        by_episode[one.alert, one.episode, one.receiver].append(one.number)
    owed = kept = untold = 0
    missing = []
    for one in run.transitions:
        for receiver in notified(one):
            if receiver in by_transition[one.alert, one.number]:
                owed += 1
            elif receiver in one.hushed:
                kept += 1
            elif not any(number < one.number for number in by_episode[one.alert, one.episode, receiver]) and (
                    one.kind in ENDS or one.kind == "corrected"):
                untold += 1
            else:
                missing.append((one.rule, one.labels, one.number, one.kind, receiver))
    expect(not missing, f"{len(missing)} are owed and not there: {some(missing)}")
    expect(owed > 0, "nothing was owed")
    return f"{owed} owed and written, {kept} kept back, {untold} ends of what was never told"


def is_delivered(run):
    """every delivery was taken, by the receiver's own receipts, or ended for a reason that was planned"""
    by_seq = {one.seq: one for one in run.deliveries}
    receipts, chats = collections.defaultdict(list), collections.defaultdict(list)
    for receipt in run.receipts:
        receipts[receipt.receiver, receipt.id].append(receipt)
        chats[receipt.receiver].append(receipt)
    said = {id(receipt): plain(receipt.text) for receipt in run.receipts if receipt.id is None}
    fates, wrong = collections.Counter(), []
    for one in run.deliveries:
        leader = by_seq.get(one.told_by, one) if one.state == "sent" else one
        if one.state == "sent":
            fates["sent" if leader is one else "gathered"] += 1
            taken = receipts[one.receiver, leader.id] or [
                receipt for receipt in chats[one.receiver] if receipt.id is None and leader.alert in receipt.alerts
                and plain(leader.title)[:30] in said[id(receipt)]]
            if not taken:
                wrong.append(f"{one.receiver} has no {leader.id} ({leader.title})")
            elif RECEIVERS[one.receiver][0] == "webhook" and (one.alert, one.number) not in taken[0].told:
                wrong.append(f"{one.receiver}: {leader.id} does not tell {one.title}")
        elif one.state == "superseded":
            fates["superseded"] += 1
            if not one.gave_way or by_seq.get(one.told_by) is None or by_seq[one.told_by].state == "pending":
                wrong.append(f"{one.id} gave way to nothing")
        elif one.state == "dead" and GIVEN_UP.get(one.receiver, "-") in (one.error or ""):
            fates["given up by plan"] += 1
        else:
            wrong.append(f"{one.id} for {one.receiver} is {one.state}: {one.error}")
    expect(not wrong, f"{len(wrong)}: {some(wrong)}")
    return counted(fates)


def has_one_id(run):
    """no message has two ids, the store knows each, and a copy comes only after a lost answer or a kill"""
    known = {one.id for one in run.deliveries}
    stray = [receipt.id for receipt in run.receipts if receipt.id and receipt.id not in known]
    expect(not stray, f"{len(stray)} ids are unknown to the store: {some(stray)}")
    ids, times = collections.defaultdict(set), collections.defaultdict(list)
    for receipt in run.receipts:
        if receipt.id:
            times[receipt.receiver, receipt.id].append(receipt)
            for told in receipt.told:
                ids[receipt.receiver, told].add(receipt.id)
    double = [(*key, found) for key, found in ids.items() if len(found) > 1]
    expect(not double, f"{len(double)} messages came under two ids: {some(double)}")
    unexplained, copies = [], 0
    for key, copied in times.items():
        for first, again in zip(copied, copied[1:]):
            copies += 1
            killed = any(
                first.at - 8 < gone and since < again.at for since, gone, how in run.daemon.ends if how != "SIGTERM")
            if first.mood != "lost" and not killed:
                unexplained.append((*key, first.mood, round(again.at - first.at, 1)))
    expect(not unexplained, f"{len(unexplained)} copies without a reason: {some(unexplained)}")
    return f"{len(times)} ids, {copies} copies, each with a reason"


def is_in_order(run):
    """messages of one alert reach a receiver in their order"""
    last, seen, wrong, compared = {}, set(), [], 0
    for receipt in sorted(run.receipts, key=lambda receipt: receipt.at):
        if not receipt.told or (receipt.receiver, receipt.id) in seen:
            continue
        seen.add((receipt.receiver, receipt.id))
        numbers = collections.defaultdict(list)
        for alert, number in receipt.told:
            numbers[receipt.receiver, alert].append(number)
        for key, found in numbers.items():
            compared += 1
            if min(found) <= last.get(key, 0):
                wrong.append((*key, last[key], found))
            last[key] = max(*found, last.get(key, 0))
    expect(not wrong, f"{len(wrong)} came late: {some(wrong)}")
    return f"{compared} messages of {len(last)} alerts and receivers"


def last_life(run):
    """The samples of the process that ran to the end."""
    return [sample for sample in run.samples if sample.pid == run.samples[-1].pid]


def slope(samples, what):
    """By how much it grows in a minute, by least squares."""
    times = [sample.at for sample in samples]
    values = [what(sample) for sample in samples]
    middle, mean = statistics.fmean(times), statistics.fmean(values)
    spread = sum((at - middle) ** 2 for at in times)
    return 60 * sum((at - middle) * (value - mean) for at, value in zip(times, values)) / spread if spread else 0.0


def memory_is_flat(run):
    """memory does not grow with the years"""
    life = last_life(run)
    half = life[len(life) // 2:]
    minutes = (half[-1].at - half[0].at) / 60
    grows, peak = slope(half, lambda sample: sample.rss), max(sample.rss for sample in run.samples)
    # What is needed for a moment is no growth: of each part, what three of four samples exceed.
    part = max(4, len(half) // 5)
    ends = [statistics.quantiles((sample.rss for sample in samples), n=4)[0] for samples in (half[:part], half[-part:])]
    limit = GROWTH if run.seconds >= 600 else WARMING
    own = slope(half, lambda sample: sample.own)
    said = (f"{ends[0] / 1024:.1f} MiB then {ends[1] / 1024:.1f} MiB over the last {minutes:.1f} min, "
            f"slope {grows:+.0f} KiB/min ({own:+.0f} of its own), "
            f"peak {peak / 1024:.1f} MiB; limits {limit >> 10} MiB more, peak {PEAK >> 10} MiB")
    expect(ends[1] - ends[0] <= limit and peak <= PEAK, said)
    return said


def files_are_closed(run):
    """as many open files and threads at the end as after the warm-up"""
    life = last_life(run)
    warm = life[len(life) // 8:len(life) // 8 + max(10, len(life) // 8)]
    end = life[-10:]
    most = lambda part, what: max(getattr(sample, what) for sample in part)
    said = (f"files {most(warm, 'files')} then {most(end, 'files')}, "
            f"threads {most(warm, 'threads')} then {most(end, 'threads')}; limits {FILES} and {THREADS} more")
    expect(most(end, "files") <= most(warm, "files") + FILES and most(end, "threads") <= most(warm, "threads") + THREADS, said)
    return said


def log_is_cut(run):
    """the store's log is brought in while it runs, and is empty when it has ended"""
    most = max(sample.log for sample in run.samples)
    said = f"{most / 2**20:.1f} MiB at most, {run.log_left} bytes at the end; store {run.samples[-1].store / 2**20:.1f} MiB"
    expect(most <= LOG_BYTES and run.log_left == 0, said)
    return said


def store_is_whole(run):
    """SQLite finds the store whole"""
    expect(not run.damage, some(run.damage))
    counts = ", ".join(f"{count} {table}" for table, count in run.counts.items())
    return f"{counts}; store check: {run.verdict}"


# What the log may say at the level ERROR, and which deed explains it.
EXPLAINED = {
    "reload failed; the old configuration is kept": "bad reload",
    "supplywatch cannot go on": "full disk",
    "a request could not be answered": "full disk",
    "a page could not be made": "full disk",
}


def journal_is_calm(run):
    """the log has no panic, and no error that no deed explains"""
    levels, wrong = collections.Counter(), []
    for line in run.log:
        try:
            said = json.loads(line)
        except ValueError:
            # What is not of the log comes from a console, or from a panic.
            if "panicked" in line or "RUST_BACKTRACE" in line:
                wrong.append(line)
            continue
        levels[said.get("level")] += 1
        is_explained = EXPLAINED.get(said.get("message")) in run.met["deeds"]
        if "panic" in line or said.get("level") == "ERROR" and not is_explained:
            wrong.append(line[:300])
    expect(not wrong, f"{len(wrong)}: {some(wrong)}")
    return counted(levels)


def latencies(run):
    """Seconds from publication to delivery at the receiver that never fails, where nothing was amiss."""
    pulls, arrived = {pull.id: pull for pull in run.pulls}, {}
    for receipt in run.receipts:
        if receipt.receiver == "hook":
            for told in receipt.told:
                arrived.setdefault(told, receipt.at)
    for one in run.transitions:
        pull, at = pulls.get(one.pull), arrived.get((one.alert, one.number))
        if pull is None or at is None or one.rule not in RULES or one.hushed or pull.sha256 not in run.bodies:
            continue
        since = max((since for since in run.bodies[pull.sha256][1] if since <= pull.at), default=None)
        if since is None or since < run.daemon.starts[0] or run.daemon.is_disturbed(since - 1, at):
            continue
        if not any(window.whom == pull.feed and window.overlaps(since - 1, at) for window in run.windows):
            yield at - since, one


def arrives_soon(run):
    """from publication to delivery it takes no longer than a feed's schedule allows"""
    found = sorted(seconds for seconds, _ in latencies(run))
    expect(len(found) >= 20, f"only {len(found)} deliveries outside faults")
    median, slowest = statistics.median(found), found[int(len(found) * 0.99)]
    times = 1 if run.seconds >= 600 else 3
    said = (f"{len(found)} outside faults: median {median:.2f} s, 99th {slowest:.2f} s, most {found[-1]:.2f} s; "
            f"limits {times * MEDIAN:g} and {times * SLOWEST:g} s")
    expect(median <= times * MEDIAN and slowest <= times * SLOWEST, said)
    return said


def pages_are_there(run):
    """who reads the page and the API all along gets answers"""
    wrong = [(path, status) for at, path, status, took in run.readings
             if status != 200 and not run.daemon.is_disturbed(at - 1, at + took + 1)]
    expect(not wrong, f"{len(wrong)} of {len(run.readings)}: {some(wrong)}")
    took = sorted(took for at, _, status, took in run.readings if status == 200)
    expect(len(took) > 20, f"only {len(took)} readings")
    median, slowest = 1000 * statistics.median(took), 1000 * took[int(len(took) * 0.99)]
    return f"{len(took)} answers, median {median:.0f} ms, 99th {slowest:.0f} ms"


def all_was_met(run):
    """each fault that was planned came to pass"""
    missed = [f"{window.whom} {window.mood}" for window in run.windows
              if window.mood != "refused" and not run.met["moods"].get((window.whom, window.mood))]
    expect(len(missed) <= len(run.windows) // 3, f"{len(missed)} of {len(run.windows)} met nobody: {some(missed)}")
    outcomes = collections.Counter(pull.outcome for pull in run.pulls)
    for outcome in ("changed", "set_aside", "failed"):
        expect(outcomes[outcome], f"no pull was {outcome}")
    expect(run.counts["withdrawn"], "no figure was withdrawn")
    ends = collections.Counter(how for *_, how in run.daemon.ends)
    said = f"{run.publications} publications; {len(run.windows)} faults, {len(missed)} unmet; pulls: {counted(outcomes)}"
    return f"{said}; ends: {counted(ends)}; {counted(run.met['deeds'])}"


def ended_well(run):
    """it ends in order, with nothing owed"""
    expect(run.exit_code == 0, f"exit code {run.exit_code}")
    waits = [one for one in run.deliveries if one.state == "pending"]
    expect(not waits, f"{len(waits)} wait still: {some(f'{one.receiver}: {one.error}' for one in waits)}")
    return f"exit 0; nothing was owed {run.drained:.0f} s after the last deed"


ALL = [as_history_says, as_the_model_says, is_owed, is_delivered, has_one_id, is_in_order, memory_is_flat, files_are_closed,
       log_is_cut, store_is_whole, journal_is_calm, arrives_soon, pages_are_there, all_was_met, ended_well]
