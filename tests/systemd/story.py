"""What the steps of a story share: the config, figures that come, and whether all was told."""
from kit import expect

UNIT = "supplywatch"

CONFIG = """
[feed.magnets]
kind = "csv"
path = "magnets.csv"
schedule = "* * * * * *"
frequency = "month"
unit = "t"
labels = { reporter = "CN", flow = "export" }
columns = { period = "period", value = "tonnes", labels = ["partner"] }

[rule.magnets-scarce]
series = { feed = "magnets" }
when = "value < 500 t"
severity = "critical"
notify = ["hook", "desk"]

[receiver.desk]
kind = "console"

[receiver.hook]
kind = "webhook"
url = "http://127.0.0.1:9999/"
insecure = true
allow_private = true
"""
SECRET = 'secret = { credential = "hook-secret" }\n'
QUICK = "[Service]\nRestartSec=1\n"
STATE = "/var/lib/private/supplywatch"
CONFIG_PATH = "/etc/supplywatch/supplywatch.toml"


class Skipped(Exception):
    """A step that cannot be tried here."""


class Story:
    """One machine's, from the installation to the purge."""

    def __init__(self, machine, options):
        self.machine, self.options, self.hook = machine, options, None
        self.months, self.told_again = 0, 0

    def figures(self):
        """One month more; each is the other side of the threshold, so each has something told."""
        self.months += 1
        months = range(self.months)
        lines = [f"{2016 + month // 12}-{1 + month % 12:02},US,{600 if month % 2 else 400}\n" for month in months]
        self.machine.write("/etc/supplywatch/magnets.csv", "period,partner,tonnes\n" + "".join(lines))

    def told(self, seconds=40):
        """Waits until all that is to be told has come: each transition under one id, and nothing else."""
        owed = self.months + self.told_again
        self.machine.wait(lambda: len(set(self.hook.ids())) >= owed, f"{owed} messages have come", seconds)
        expect(len(set(self.hook.ids())) == owed, f"{len(set(self.hook.ids()))} ids for {owed} messages")
        self.machine.wait(lambda: not self.owed(), "nothing is owed any more", seconds)

    def owed(self):
        deliveries = self.machine.ask("deliveries", "--limit", "1000")
        return [delivery for delivery in deliveries if delivery["state"] != "sent"]

    def configure(self, more=""):
        self.machine.write(CONFIG_PATH, CONFIG + more)
