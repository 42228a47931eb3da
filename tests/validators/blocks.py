"""Blocks against Slack's own library."""

import json
import re
import sys

from slack_sdk.models.blocks import Block

text = open(sys.argv[1], encoding="utf-8").read()
sent = re.findall(r"^── would send to slack .*\n[\s\S]*?\n\n(\{\n[\s\S]*?\n\})$", text, re.M)
count = 0
for body in map(json.loads, sent):
    blocks = body["blocks"] + [block for attached in body["attachments"] for block in attached["blocks"]]
    parsed = Block.parse_all(blocks)
    assert len(parsed) == len(blocks), "a block that Slack does not know"
    for block in parsed:
        block.validate_json()
    count += len(parsed)
print(f"slack: {len(sent)} messages, {count} blocks, no complaint")
assert len(sent) == 2
