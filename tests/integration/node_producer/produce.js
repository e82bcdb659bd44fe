// Produces events to Kafka the way the field's Node.js producers do.
//
//   node produce.js <brokers> <topic prefix>  < events.jsonl
//
// One JSON object a line: {topic, key, value, headers?}. `topic` is the contract's name, `value` an object (sent as
// JSON), a string (sent as it is) or null (a tombstone). Prints {"sent": n} when Kafka holds them all.
"use strict";

const readline = require("readline");
const { Kafka, CompressionTypes, logLevel } = require("kafkajs");

const BATCH = 500;

async function main([brokers, prefix = ""]) {
  const kafka = new Kafka({ clientId: "liontrack-backend", brokers: brokers.split(","), logLevel: logLevel.ERROR });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
  await producer.connect();
  let sent = 0;
  let waiting = new Map();
  let count = 0;

  async function flush() {
    const topicMessages = [...waiting].map(([topic, messages]) => ({ topic: prefix + topic, messages }));
    if (topicMessages.length) await producer.sendBatch({ topicMessages, compression: CompressionTypes.GZIP, acks: -1 });
    sent += count;
    waiting = new Map();
    count = 0;
  }

  for await (const line of readline.createInterface({ input: process.stdin })) {
    if (!line.trim()) continue;
    const { topic, key, value, headers = {} } = JSON.parse(line);
    const text = value === null || typeof value === "string" ? value : JSON.stringify(value);
    if (!waiting.has(topic)) waiting.set(topic, []);
    waiting.get(topic).push({ key, value: text, headers });
    if (++count >= BATCH) await flush();
  }
  await flush();
  await producer.disconnect();
  process.stdout.write(JSON.stringify({ sent }) + "\n");
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${error.name}: ${error.message}\n`);
  process.exit(1);
});
