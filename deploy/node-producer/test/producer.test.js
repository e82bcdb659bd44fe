"use strict";

const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const net = require("node:net");
const { inspect } = require("node:util");
const { describe, it } = require("node:test");

const LionTrackKafkaProducer = require("..");
const { reason } = require("../lib/errors");
const { ProducerError } = LionTrackKafkaProducer;

const QUICK = { retries: 2, connectTimeoutMs: 300, requestTimeoutMs: 500 };

describe("the module", () => {
  it("is the same by require and import, by default and by name", async () => {
    const imported = await import("liontrack-kafka-producer");
    assert.equal(imported.default, LionTrackKafkaProducer);
    assert.equal(imported.LionTrackKafkaProducer, LionTrackKafkaProducer.LionTrackKafkaProducer);
    assert.equal(imported.InvalidEventError, LionTrackKafkaProducer.InvalidEventError);
  });
  it("has the methods of the first version", () => {
    for (const name of ["initialize", "publishLionPosition", "publishWeight", "publishUserActivity", "publishChallengeStatus", "publishDataQuality", "disconnect"]) {
      assert.equal(typeof LionTrackKafkaProducer.prototype[name], "function", name);
    }
  });
});

describe("partitions", () => {
  it("are those of Java, Python and kafkajs", async () => {
    const { compatibilityPartitioner } = await import("@platformatic/kafka");
    const golden = JSON.parse(readFileSync(`${__dirname}/partitions.json`, "utf8"));
    for (const { key, partitions } of golden) {
      for (const [count, partition] of Object.entries(partitions)) {
        const found = compatibilityPartitioner({}, Buffer.from(key)) % Number(count);
        assert.equal(found, partition, `${key} of ${count}`);
      }
    }
  });
});

describe("options", () => {
  it("come as brokers, as options, and from the environment", () => {
    assert.equal(new LionTrackKafkaProducer(["a:1", "b:2"]).topics.LIONS_POSITION, "lions.position.events");
    assert.equal(new LionTrackKafkaProducer("a:1", { topicPrefix: "x." }).topics.DATA_QUALITY, "x.data.quality.events");
    process.env.TOPIC_PREFIX = "env.";
    try {
      assert.equal(new LionTrackKafkaProducer({ brokers: "a:1" }).topics.LIONS_WEIGHT, "env.lions.weight.events");
    } finally {
      delete process.env.TOPIC_PREFIX;
    }
  });
  it("that make no sense are refused by name", () => {
    for (const [options, name] of [
      [{ brokers: [] }, "brokers"],
      [{ brokers: "kafka://a:1" }, "brokers"],
      [{ lingerMs: -1 }, "lingerMs"],
      [{ batchBytes: "many" }, "batchBytes"],
      [{ clientId: "two words" }, "clientId"],
    ]) assert.throws(() => new LionTrackKafkaProducer(options), (error) => error instanceof TypeError && error.message.startsWith(name));
  });
});

describe("without Kafka", () => {
  it("a bad event is refused before a connection is tried", async () => {
    const producer = new LionTrackKafkaProducer("127.0.0.1:9");
    await assert.rejects(producer.publishWeight({ _id: "w", weight: 5 }), { field: "lion_id", message: "lion_id is missing" });
  });
  it("events are rejected with a sentence", async () => {
    const producer = new LionTrackKafkaProducer("127.0.0.1:9", QUICK);
    for (const attempt of [() => producer.initialize(), () => producer.publishUserActivity("u1", "login")]) {
      await assert.rejects(attempt(), (error) => {
        assert.ok(error instanceof ProducerError);
        assert.match(error.message, /^Kafka at 127\.0\.0\.1:9 did not take the events \(.*ECONNREFUSED.*\)\.$/);
        return true;
      });
    }
    await producer.disconnect();
    await assert.rejects(producer.publishUserActivity("u1", "login"), /was disconnected: call initialize/);
  });
  it("what an error says is of one line's length, and holds no secret", () => {
    const error = new AggregateError([new Error("bad hunter2", { cause: new Error("really hunter2.") }), new Error("x".repeat(999))]);
    assert.equal(reason(error, ["hunter2", ""]).slice(0, 24), "really [removed].; xxxxx");
    assert.equal(reason(error, []).length, 300);
  });
  it("a password shows in no error, also where the broker repeats it", async () => {
    const password = "hunter2hunter2";
    const server = net.createServer((socket) => socket.on("data", () => socket.end(password)).on("error", () => {}));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const sasl = { mechanism: "plain", username: "u", password };
    const producer = new LionTrackKafkaProducer(`127.0.0.1:${server.address().port}`, { ...QUICK, sasl });
    const error = await producer.initialize().then(() => assert.fail("connected"), (reason) => reason);
    await producer.disconnect();
    server.close();
    for (const text of [inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error), inspect(producer, { depth: 20 })]) {
      assert.ok(!text.includes(password), text);
    }
  });
});
