// Signatures of posts against the `standardwebhooks` package from npm.
"use strict";
const fs = require("node:fs");
const assert = require("node:assert");
const { Webhook, WebhookVerificationError } = require("standardwebhooks");

function holds(secret, body, headers) {
  try {
    assert.deepStrictEqual(new Webhook(secret).verify(body, headers), JSON.parse(body));
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}

const posts = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
for (const { secret, body, headers } of posts) {
  assert(holds(secret, body, headers), `the signature does not hold: ${JSON.stringify(headers)}`);
  const others = posts.map((post) => post.secret).filter((other) => other !== secret);
  assert(others.length > 0 && !others.some((other) => holds(other, body, headers)), "it holds for another secret");
  assert(!holds(secret, body.replaceAll("420.5", "421.5"), headers), "it holds for another body");
  assert(!holds(secret, body, { ...headers, "webhook-id": "msg_another" }), "it holds for another message");
  const old = String(Number(headers["webhook-timestamp"]) - 600);
  assert(!holds(secret, body, { ...headers, "webhook-timestamp": old }), "it holds at another time");
}
console.log(`standardwebhooks (npm): ${posts.length} posts, each good as it is and in no other way`);
