"""Signatures of posts against the `standardwebhooks` package from PyPI."""
import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def holds(secret, body, headers):
    try:
        return Webhook(secret).verify(body, headers) == json.loads(body)
    except WebhookVerificationError:
        return False


posts = json.load(open(sys.argv[1], encoding="utf-8"))
for post in posts:
    secret, body, headers = post["secret"], post["body"], post["headers"]
    assert holds(secret, body, headers), f"the signature does not hold: {headers}"
    others = [other["secret"] for other in posts if other["secret"] != secret]
    assert others and not any(holds(other, body, headers) for other in others), "it holds for another secret"
    assert not holds(secret, body.replace("420.5", "421.5"), headers), "it holds for another body"
    assert not holds(secret, body, headers | {"webhook-id": "msg_another"}), "it holds for another message"
    old = str(int(headers["webhook-timestamp"]) - 600)
    assert not holds(secret, body, headers | {"webhook-timestamp": old}), "it holds at another time"
print(f"standardwebhooks (PyPI): {len(posts)} posts, each good as it is and in no other way")
