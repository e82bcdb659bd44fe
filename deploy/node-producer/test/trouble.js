"use strict";

// Publishes activities on demand: a line {"ids": [...]} in, a line {"acknowledged": n, "errors": [...]} out.
// Run by tests/integration/test_node_producer.py, which troubles the broker meanwhile.

const readline = require("node:readline");
const LionTrackKafkaProducer = require("..");

const producer = new LionTrackKafkaProducer({ requestTimeoutMs: Number(process.env.REQUEST_TIMEOUT_MS), retries: 40, lingerMs: 1 });

async function main() {
  await producer.initialize();
  console.log("{}");
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const all = JSON.parse(line).ids.map((event_id) =>
      producer.publishUserActivity("one key", "login", { event_id, timestamp: "2025-03-01T12:00:00Z" }),
    );
    const found = await Promise.allSettled(all);
    const errors = found.filter(({ status }) => status === "rejected").map(({ reason }) => reason.message);
    console.log(JSON.stringify({ acknowledged: found.length - errors.length, errors: [...new Set(errors)] }));
  }
  await producer.disconnect();
  const unhurried = new LionTrackKafkaProducer({ lingerMs: 600_000 });
  const last = unhurried.publishUserActivity("one key", "logout", { event_id: "last" });
  await unhurried.disconnect();
  await last;
}

main();
