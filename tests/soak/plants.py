"""Faults that are planted into a copy of what was found, each for the check that must see it."""
import copy
from dataclasses import replace

import checks
import model
from kit import Failed


def first(found, holds):
    return next(index for index, one in enumerate(found) if holds(one))


def without(found, holds):
    """Without the first of which something holds."""
    index = first(found, holds)
    return found[:index] + found[index + 1:]


def swapped(receipts):
    """The first two messages of one alert at one receiver, the later one first."""
    seen = {}
    for index, receipt in enumerate(receipts):
        for alert, number in receipt.told[:1]:
            before = seen.setdefault((receipt.receiver, alert), index)
            if before != index and (alert, number) not in receipts[before].told:
                early, late = receipts[before], receipts[index]
                others = [one for one in receipts if one is not early and one is not late]
                return [*others, moved(early, late.at), moved(late, early.at)]
    raise Failed("no alert has two messages")


def moved(receipt, at):
    receipt = copy.copy(receipt)
    receipt.at = at
    return receipt


def grown(samples, **by):
    """The last life with something that grows from sample to sample."""
    found = []
    for index, sample in enumerate(samples):
        found.append(copy.copy(sample))
        for name, step in by.items():
            setattr(found[-1], name, int(getattr(sample, name) + step * index))
    return found


def renamed(receipts):
    index = first(receipts, lambda receipt: receipt.told and receipt.receiver == "hook")
    other = copy.copy(receipts[index])
    other.id = next(receipt.id for receipt in receipts if receipt.id and receipt.id != other.id)
    return receipts + [other]


def repeated(run):
    calm = lambda at: not any(at - 10 < end < at + 10 for end, *_ in run.daemon.ends)
    index = first(run.receipts, lambda receipt: receipt.id and receipt.mood == "ok" and calm(receipt.at))
    again = copy.copy(run.receipts[index])
    again.at += 1
    return run.receipts + [again]


def cut(deliveries, holds, **changes):
    index = first(deliveries, holds)
    return deliveries[:index] + [replace(deliveries[index], **changes)] + deliveries[index + 1:]


def is_sent(one):
    return one.state == "sent" and one.told_by is None and one.receiver == "hook"


# A fault for each check, planted into a copy of what was found.
ALL = [
    (checks.as_history_says, "a transition too many", lambda run: run.but(
        again=without(run.again, lambda one: one.rule == "magnets-low"))),
    (checks.as_the_model_says, "an alert that fires unseen", lambda run: run.but(
        firing=without(run.firing, lambda one: one[0] in model.RULES))),
    (checks.as_the_model_says, "corrections that were not told", lambda run: run.but(transitions=[
        one for one in run.transitions if one.rule not in model.RULES or one.kind != "corrected"])),
    (checks.is_owed, "a delivery that was never written", lambda run: run.but(deliveries=without(run.deliveries, is_sent))),
    (checks.is_delivered, "a receipt that is not there", lambda run: run.but(receipts=[
        receipt for receipt in run.receipts if receipt.id != run.deliveries[first(run.deliveries, is_sent)].id])),
    (checks.is_delivered, "a dead letter", lambda run: run.but(deliveries=cut(run.deliveries, is_sent, state="dead"))),
    (checks.has_one_id, "a message under two ids", lambda run: run.but(receipts=renamed(run.receipts))),
    (checks.has_one_id, "a copy without a reason", lambda run: run.but(receipts=repeated(run))),
    (checks.is_in_order, "two messages that came in the wrong order", lambda run: run.but(receipts=swapped(run.receipts))),
    (checks.memory_is_flat, "memory that leaks", lambda run: run.but(
        samples=grown(run.samples, rss=64 * 1024 / len(checks.last_life(run))))),
    (checks.files_are_closed, "files that are left open", lambda run: run.but(samples=grown(run.samples, files=0.5))),
    (checks.files_are_closed, "threads that do not end", lambda run: run.but(samples=grown(run.samples, threads=0.5))),
    (checks.log_is_cut, "a log that stays", lambda run: run.but(log_left=4096)),
    (checks.store_is_whole, "a damaged page", lambda run: run.but(damage=["row 7 missing from index"])),
    (checks.journal_is_calm, "a panic", lambda run: run.but(log=[*run.log, "thread 'main' panicked at src/main.rs:1:1"])),
    (checks.journal_is_calm, "an error", lambda run: run.but(
        log=[*run.log, '{"level": "ERROR", "message": "something broke"}'])),
    (checks.arrives_soon, "deliveries that take a minute", lambda run: run.but(receipts=[
        moved(receipt, receipt.at + 60) if receipt.receiver == "hook" else receipt for receipt in run.receipts])),
    (checks.pages_are_there, "a page that fails", lambda run: run.but(
        readings=[*run.readings, (run.calm_since, "/", 500, 0.1)])),
    (checks.ended_well, "a delivery that waits", lambda run: run.but(deliveries=cut(run.deliveries, is_sent, state="pending"))),
]
