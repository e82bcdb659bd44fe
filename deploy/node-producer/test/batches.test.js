"use strict";

const assert = require("node:assert/strict");
const { describe, it } = require("node:test");
const { setTimeout: sleep } = require("node:timers/promises");

const { Batches } = require("../lib/batches");

const event = (n, size = 10) => ({ topic: "t", key: `k${n}`, value: "x".repeat(size), headers: {} });
const LIMITS = { lingerMs: 5, batchEvents: 4, batchBytes: 100_000, queueEvents: 50 };

function recording(limits = {}, answer = async () => {}) {
  const sent = [];
  let under_way = 0;
  const batches = new Batches(async (batch) => {
    assert.equal(++under_way, 1, "two batches under way");
    sent.push(batch.map(({ key }) => key));
    try {
      await answer(sent.length);
    } finally {
      under_way -= 1;
    }
  }, { ...LIMITS, ...limits });
  return { batches, sent };
}

describe("batches", () => {
  it("gather what comes within the linger", async () => {
    const { batches, sent } = recording();
    await Promise.all([1, 2, 3].map((n) => batches.add(event(n))));
    assert.deepEqual(sent, [["k1", "k2", "k3"]]);
  });
  it("are full by number and by bytes, in order", async () => {
    const { batches, sent } = recording({ lingerMs: 1_000 });
    await Promise.all([1, 2, 3, 4].map((n) => batches.add(event(n))));
    const large = recording({ lingerMs: 1_000, batchBytes: 1_000 });
    await Promise.all([1, 2, 3].map((n) => large.batches.add(event(n, n === 2 ? 5_000 : 900))));
    assert.deepEqual([sent, large.sent], [[["k1", "k2", "k3", "k4"]], [["k1"], ["k2"], ["k3"]]]);
  });
  it("resolve only when they were acknowledged, and gather meanwhile", async () => {
    const { batches, sent } = recording({ lingerMs: 1 }, () => sleep(30));
    let done = 0;
    const all = [batches.add(event(1)).then(() => (done += 1))];
    await sleep(15);
    all.push(...[2, 3].map((n) => batches.add(event(n)).then(() => (done += 1))));
    assert.equal(done, 0);
    await Promise.all(all);
    assert.deepEqual(sent, [["k1"], ["k2", "k3"]]);
  });
  it("that fail reject their own events alone", async () => {
    const { batches } = recording({ batchEvents: 2 }, async (n) => {
      if (n === 1) throw new Error("lost");
    });
    const found = await Promise.allSettled([1, 2, 3].map((n) => batches.add(event(n))));
    assert.deepEqual(found.map(({ status }) => status), ["rejected", "rejected", "fulfilled"]);
  });
  it("refuse what is too much, and take it again later", async () => {
    const { batches } = recording({ queueEvents: 3 });
    const three = [1, 2, 3].map((n) => batches.add(event(n)));
    await assert.rejects(batches.add(event(4)), /3 events wait for Kafka already/);
    await Promise.all(three);
    await batches.add(event(5));
  });
  it("are flushed without waiting for the linger", async () => {
    const { batches, sent } = recording({ lingerMs: 60_000 });
    const added = batches.add(event(1));
    await batches.flush();
    await added;
    assert.deepEqual(sent, [["k1"]]);
  });
});
