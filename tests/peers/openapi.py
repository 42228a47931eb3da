"""Schemathesis reads the document that the running program serves, and asks whatever it allows and forbids."""
import os
import subprocess

from kit import FIRES, PATIENCE, expect, free_port, from_pypi, http, watch

TOKEN = "a-token-for-the-page-only"
# Seconds that it may try things for.
LASTING = 60

MORE = """
[web]
listen = "127.0.0.1:{port}"
socket = ""
token = "{token}"
"""

# What no schema can say makes a request that fits it a bad one all the same: whether a text is a matcher, a label or a
# period of the series, a token is of this list, a date is over.
IN_WORDS = [
    "GET /api/v1/alerts",
    "POST /api/v1/silences",
    "GET /api/v1/explain",
    "GET /api/v1/rules/{name}",
    "GET /api/v1/rules/{name}/backtest",
    "GET /api/v1/series",
    "GET /api/v1/series/{id}/observations",
]
EXCEPTION = """
[[operations]]
include-name = "{}"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404"]
"""
CONFIG = """
# What is there, of which no answer makes more.
[[operations]]
include-path-regex = "^/api/v1/rules/"
parameters = { name = "magnets-falling" }

[[operations]]
include-path = "/api/v1/explain"
parameters = { rule = "magnets-falling" }

[[operations]]
include-path = "/api/v1/feeds/{name}"
parameters = { name = "magnets" }
"""


def openapi(options, place):
    tool = from_pypi("schemathesis") / "schemathesis"
    port = free_port()
    # Nobody listens at the receiver's address: there is a message that waits.
    receiver = {"kind": "webhook", "url": f"http://127.0.0.1:{free_port()}/"}
    address = f"http://127.0.0.1:{port}"
    (place / "schemathesis.toml").write_text(CONFIG + "".join(map(EXCEPTION.format, IN_WORDS)))
    with watch(options, receiver, MORE.format(port=port, token=TOKEN)) as watched:
        watched.once(FIRES, code=1)
        daemon = watched.start(FIRES)
        try:
            arguments = [tool, "--config-file", place / "schemathesis.toml", "run", f"{address}/api/v1/openapi.json",
                         "--wait-for-schema", PATIENCE, "--header", f"Authorization: Bearer {TOKEN}", "--checks", "all",
                         # As in Alertmanager, a silence that was ended stays to be seen; nothing else is ever deleted.
                         "--exclude-checks", "use_after_free",
                         "--max-examples", 100, "--max-time", LASTING, "--seed", 1, "--continue-on-failure", "--no-color"]
            ended = subprocess.run([str(argument) for argument in arguments], cwd=place, text=True, capture_output=True,
                                   env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}, timeout=LASTING + 2 * PATIENCE)
            expect(ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:])
            expect(daemon.poll() is None, "the program has ended")
            status, body = http("GET", f"{address}/api/v1/status", headers={"Authorization": f"Bearer {TOKEN}"})
            expect(status == 200, body)
            lines = [line.strip() for line in ended.stdout.splitlines()]
            [operations] = [line for line in lines if line.startswith("Tested:")]
            [cases] = [line for line in lines if "generated" in line and "passed" in line]
            yield f"{operations.split()[1]} operations, {cases}"
        finally:
            daemon.terminate()
            daemon.wait(PATIENCE)
