"""Two Alertmanagers, and the address of a third that answers nothing."""
import contextlib
import datetime
import json

from kit import FIRES, GOES_ON, IS_OVER, command, expect, free_port, http, instant, server, watch

# A second rule, whose alert becomes worse.
LOW = """
[rule.magnets-low]
series = { feed = "magnets" }
warning = "value < 450 t"
critical = "value < 410 t"
notify = ["them"]
"""


@contextlib.contextmanager
def running(program, place):
    """One server, on a port of its own; its address."""
    place.mkdir()
    (place / "config.yml").write_text("route:\n  receiver: none\nreceivers:\n  - name: none\n")
    address = f"127.0.0.1:{free_port()}"
    start = [program, f"--config.file={place}/config.yml", f"--storage.path={place}/data",
             f"--web.listen-address={address}", "--cluster.listen-address="]
    with server(start, place / "log", f"http://{address}/-/ready"):
        yield f"http://{address}"


def alertmanager(options, place):
    program = command("prometheus-alertmanager", "prometheus-alertmanager")
    falling, warning, critical = ("magnets-falling", "critical"), ("magnets-low", "warning"), ("magnets-low", "critical")
    with running(program, place / "one") as one, running(program, place / "two") as two:

        def shown(expected):
            """What is active, by rule and severity: on both servers the same, and this."""
            for address in (two, one):
                found = json.loads(http("GET", f"{address}/api/v2/alerts")[1])
                alerts = {(alert["labels"]["rule"], alert["labels"]["severity"]): alert for alert in found}
                expect(set(alerts) == expected, f"{address} has {sorted(alerts)}, not {sorted(expected)}")
            return alerts

        urls = [f"http://127.0.0.1:{free_port()}", one, two]
        with watch(options, {"kind": "alertmanager", "urls": urls, "hold": "40d"}, LOW) as ours:
            said = ours.once(FIRES)
            expect("one of several servers did not take it" in said, said)
            opened = shown({falling, warning})[falling]
            labels = opened["labels"]
            expect(labels["partner"] == "US" and labels["alertname"] == "SupplyRisk", labels)
            expect("420.5 t" in opened["annotations"]["summary"], opened)
            ahead = instant(opened["endsAt"]) - instant(opened["updatedAt"])
            expect(abs(ahead - datetime.timedelta(days=40)) < datetime.timedelta(minutes=5), ahead)
            yield "fired: both servers have both alerts, for 40 days, and the one that is down is told of"
            ours.once(FIRES)
            shown({falling, warning})
            ours.once(GOES_ON)
            later = shown({falling, critical})[falling]
            expect(later["fingerprint"] == opened["fingerprint"] and later["startsAt"] == opened["startsAt"], later)
            expect(instant(later["endsAt"]) > instant(opened["endsAt"]), later)
            yield "goes on: the same alert, which ends later; the other one is worse, and no longer what it was"
            ours.once(IS_OVER)
            shown(set())
            yield "resolved: nothing is active"
