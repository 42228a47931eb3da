"""Verifies the DKIM signatures of mails with dkimpy, which knows nothing of the program that signed them.

    signature.py RECORDS MAIL…

RECORDS has the records of DNS, one JSON object a line, as `supplywatch receivers dkim --format json` prints them. Each mail
must be good as it is, and no longer where its body or its subject is another, or where it says a second time whom it is from.
"""
import json
import pathlib
import sys

import dkim

records = {}
for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
    record = json.loads(line)
    records[f"{record['name']}.".encode()] = record["value"].encode()


def holds(mail):
    # The second argument is for how long the verifier would wait for an answer.
    return dkim.verify(mail, dnsfunc=lambda name, timeout=5: records.get(name))


for path in map(pathlib.Path, sys.argv[2:]):
    mail = path.read_bytes()
    head, body = mail.split(b"\r\n\r\n", 1)
    # Headers are put before all others, as relays put theirs.
    added = b"From: Somebody <else@mail.example>\r\n" + mail
    changes = {
        "another body": head + b"\r\n\r\n" + body.replace(b"a", b"b", 1),
        "another subject": mail.replace(b"\r\nSubject: ", b"\r\nSubject: No: ", 1),
        "a second sender": added,
    }
    if not records or not holds(mail):
        sys.exit(f"{path}: the signature does not hold")
    for what, changed in changes.items():
        assert changed != mail, what
        if holds(changed):
            sys.exit(f"{path}: the signature holds for {what}")
print(f"{len(sys.argv) - 2} signatures hold, and for nothing else")
