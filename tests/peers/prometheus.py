"""A Prometheus that scrapes the running program, with the rules and the dashboard that are shipped, and promtool."""
import json
import signal
import subprocess
import time
import urllib.parse

from kit import FIRES, PATIENCE, ROOT, command, expect, free_port, http, server, watch

TOKEN = "a-token-for-the-page-only"

CONFIG = """
global:
  scrape_interval: 1s
  evaluation_interval: 1s
scrape_configs:
  - job_name: supplywatch
    authorization: {{ credentials: {token} }}
    static_configs:
      - targets: ["127.0.0.1:{port}"]
rule_files:
  - {rules}
"""

# A release calendar, so that a figure is overdue, and the page for whoever knows the token.
MORE = """
[feed.magnets.release]
day = 20
after = "1mo"

[web]
listen = "127.0.0.1:{port}"
socket = ""
token = "{token}"
"""


def checked(*arguments, text=None):
    """What promtool has to say, which must be nothing bad."""
    ended = subprocess.run(arguments, input=text, text=True, capture_output=True)
    said = ended.stdout + ended.stderr
    expect(ended.returncode == 0, said)
    return said


def ask(address, query):
    """The samples that a query gives: labels and value."""
    status, body = http("GET", f"{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}")
    expect(status == 200, f"{query}: {body}")
    result = json.loads(body)["data"]["result"]
    return [(sample["metric"], float(sample["value"][1])) for sample in result]


def until(address, query, value):
    """Waits until a query gives one sample of this value."""
    end = time.monotonic() + PATIENCE
    while [found for _, found in ask(address, query)] != [value]:
        expect(time.monotonic() < end, f"{query} gives {ask(address, query)}, not {value}")
        time.sleep(0.3)


def dashboard():
    """Every query of the dashboard, with what its variables stand for."""
    board = json.loads((ROOT / "config/grafana-dashboard.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    queries += [one["expr"] for one in board["annotations"]["list"] if "expr" in one]
    for query in queries:
        for name, meant in [("$job", ".*"), ("$instance", ".*"), ("$__rate_interval", "1m")]:
            query = query.replace(name, meant)
        expect("$" not in query, query)
        yield query


def prometheus(options, place):
    program, promtool = command("prometheus", "prometheus"), command("promtool", "prometheus")
    rules = ROOT / "config/prometheus-rules.yml"
    checked(promtool, "check", "rules", rules)
    checked(promtool, "test", "rules", ROOT / "config/prometheus-rules.test.yml")
    yield "promtool has nothing against the rules, and their tests pass"
    port, ours = free_port(), free_port()
    (place / "prometheus.yml").write_text(CONFIG.format(token=TOKEN, port=ours, rules=rules))
    checked(promtool, "check", "config", place / "prometheus.yml")
    # Nobody listens at the receiver's address: the message waits.
    receiver = {"kind": "webhook", "url": f"http://127.0.0.1:{free_port()}/"}
    more = MORE.format(port=ours, token=TOKEN)
    start = [program, f"--config.file={place}/prometheus.yml", f"--storage.tsdb.path={place}/data",
             f"--web.listen-address=127.0.0.1:{port}"]
    address = f"http://127.0.0.1:{port}"
    with watch(options, receiver, more) as watched, server(start, place / "log", f"{address}/-/ready"):
        daemon = watched.start(FIRES)
        try:
            for query, value in [
                ('up{job="supplywatch"}', 1),
                ('supplywatch_feed_pulls_total{feed="magnets", result="changed"}', 1),
                ('supplywatch_feed_observations_total{feed="magnets", change="new"}', 5),
                ('supplywatch_alerts{rule="magnets-falling", severity="critical", state="active"}', 1),
                ('supplywatch_alert_transitions_total{kind="fired", cause="published"}', 1),
                ('supplywatch_deliveries_pending{receiver="them"}', 1),
                ('supplywatch_delivery_attempts_total{receiver="them", result="retry"} > bool 0', 1),
                ('time() - supplywatch_loop_last_tick_timestamp_seconds{loop="poll"} < bool 30', 1),
                ('supplywatch_feed_latest_period_end_timestamp_seconds{feed="magnets"}', 1759276800),
                ('ALERTS{alertname="Watchdog", alertstate="firing"}', 1),
                ('ALERTS{alertname="SupplywatchReleaseOverdue", alertstate="firing", feed="magnets"}', 1),
            ]:
                until(address, query, value)
            yield "it scrapes what the program did; Watchdog fires, and so does an overdue release"
            expect(http("GET", f"http://127.0.0.1:{ours}/metrics")[0] == 401, "who does not know the token is let in")
            text = http("GET", f"http://127.0.0.1:{ours}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})[1]
            expect(checked(promtool, "check", "metrics", text=text) == "", "promtool has something to say")
            yield f"promtool has nothing against its {len(text.splitlines())} lines"
            answered = {query: len(ask(address, query)) for query in dashboard()}
            expect(sum(map(bool, answered.values())) > len(answered) * 2 // 3, answered)
            yield f"the dashboard's {len(answered)} queries are answered, {sum(map(bool, answered.values()))} with figures"
            (watched.directory / "config/supplywatch.toml").write_text("[feed")
            daemon.send_signal(signal.SIGHUP)
            until(address, "supplywatch_config_last_reload_successful", 0)
            until(address, 'ALERTS{alertname="SupplywatchReloadFailed", alertstate="pending"}', 1)
            yield "a reload that is refused is seen"
        finally:
            daemon.terminate()
            daemon.wait(PATIENCE)
