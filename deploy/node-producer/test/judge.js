"use strict";

// One JSON line in, one out: {topic, arguments} becomes the event's {key, value}, or {rule, field} of what is wrong.
// Run by tests/integration/test_node_producer.py, which asks the contract's own decoder about the same.

const readline = require("node:readline");
const events = require("../lib/events");

const METHODS = {
  "lions.position.events": events.position,
  "lions.weight.events": events.weight,
  "users.activity.events": events.activity,
  "challenges.status.events": events.challenge,
  "data.quality.events": events.quality,
};
const NUMBERS = new Map([["<NaN>", NaN], ["<Infinity>", Infinity], ["<-Infinity>", -Infinity]]);

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { topic, arguments: given } = JSON.parse(line, (_name, value) => NUMBERS.get(value) ?? value);
  let answer;
  try {
    const { key, value } = METHODS[topic](...given, "2025-03-01T12:00:00.000Z");
    answer = { key, value };
  } catch ({ rule, field, message }) {
    answer = { rule: rule ?? `not ours: ${message}`, field };
  }
  console.log(JSON.stringify(answer));
});
