"use strict";

const assert = require("node:assert/strict");
const { describe, it } = require("node:test");
const mongoose = require("mongoose");

const { InvalidEventError } = require("..");
const events = require("../lib/events");

const NOW = "2025-03-01T12:00:00.000Z";
const HEX = "66f0c1d2e3a4b5c6d7e8f900";
const OTHER = "77f0c1d2e3a4b5c6d7e8f900";
const objectId = (text) => new mongoose.Types.ObjectId(text);
const lion = (more = {}) => ({ _id: HEX, name: "Simba", position: { lat: -21.5, lng: 23.5 }, ...more });
const valueOf = (event) => JSON.parse(event.value);
const refused = (make, field, rule) =>
  assert.throws(make, (error) => {
    assert.ok(error instanceof InvalidEventError, error);
    assert.equal(error.code, "LIONTRACK_INVALID_EVENT");
    assert.deepEqual([error.field, error.rule], [field, rule]);
    assert.ok(error.message.startsWith(field), error.message);
    return true;
  });

describe("a position", () => {
  it("is what the first version of the class sent", () => {
    const event = events.position(lion({ _id: objectId(HEX) }), NOW);
    assert.deepEqual(valueOf(event), {
      lion_id: HEX, name: "Simba", position: { lat: -21.5, lng: 23.5 }, timestamp: NOW, source: "mongodb", confidence: 0.95,
    });
    assert.equal(event.topic, "lions.position.events");
    assert.equal(event.key, HEX);
    assert.deepEqual(event.headers, { "event-type": "lion.position.update", timestamp: NOW });
  });
  it("keeps its own time, and fields that the contract does not name", () => {
    const event = events.position(lion({ timestamp: new Date("2025-02-01T06:30:00Z"), battery: 3.7, tags: new Map([["a", new Set([1])]]) }), NOW);
    const { timestamp, battery, tags } = valueOf(event);
    assert.deepEqual([timestamp, battery, tags], ["2025-02-01T06:30:00.000Z", 3.7, { a: [1] }]);
    assert.equal(event.headers.timestamp, "2025-02-01T06:30:00.000Z");
  });
  it("needs no optional field", () => {
    events.position({ lion_id: 7, position: { lat: 0, lng: 0 } }, NOW);
    events.position(lion({ name: undefined, accuracy: null, visible: undefined, event_id: null, timestamp: null }), NOW);
  });
  it("beside a lion's id, has an id of its own", () => {
    const { lion_id, event_id, _id } = valueOf(events.position({ ...lion(), _id: objectId(OTHER), lion_id: "simba_001" }, NOW));
    assert.deepEqual([lion_id, event_id, _id], ["simba_001", OTHER, undefined]);
  });
  for (const [more, field, rule] of [
    [{ _id: undefined }, "lion_id", "missing_field"],
    [{ _id: "  " }, "lion_id", "missing_id"],
    [{ _id: "é".repeat(257) }, "lion_id", "oversized"],
    [{ _id: { id: 1 } }, "lion_id", "wrong_type"],
    [{ position: undefined }, "position", "missing_field"],
    [{ position: {} }, "position.lat", "missing_field"],
    [{ position: { lat: "-21", lng: 1 } }, "position.lat", "wrong_type"],
    [{ position: { lat: -90.01, lng: 1 } }, "position.lat", "impossible_coordinate"],
    [{ position: { lat: 1, lng: 180.01 } }, "position.lng", "impossible_coordinate"],
    [{ position: { lat: 1, lng: NaN } }, "position.lng", "not_finite"],
    [{ accuracy: Infinity }, "accuracy", "not_finite"],
    [{ accuracy: "5 m" }, "accuracy", "wrong_type"],
    [{ visible: 1 }, "visible", "wrong_type"],
    [{ name: "a\0b" }, "name", "nul_byte"],
    [{ name: "half a lion \ud83e" }, "name", "malformed_json"],
    [{ timestamp: new Date("no") }, "timestamp", "bad_timestamp"],
    [{ timestamp: "yesterday" }, "timestamp", "bad_timestamp"],
    [{ timestamp: "2025-02-29T00:00:00Z" }, "timestamp", "bad_timestamp"],
    [{ timestamp: -1 }, "timestamp", "bad_timestamp"],
    [{ timestamp: true }, "timestamp", "wrong_type"],
  ]) {
    it(`with ${field} ${rule} is refused`, () => refused(() => events.position(lion(more), NOW), field, rule));
  }
  it("that is none is refused", () => {
    for (const nothing of [undefined, null]) refused(() => events.position(nothing, NOW), "lion_id", "missing_field");
    for (const other of ["lion", 5, [lion()], new Date()]) refused(() => events.position(other, NOW), "lionData", "wrong_type");
  });
});

describe("a weighing", () => {
  const Weight = mongoose.model("Weight", new mongoose.Schema({
    lion: { type: mongoose.Schema.Types.ObjectId, ref: "Lion" }, weight: mongoose.Schema.Types.Decimal128, unit: String,
    measuredAt: Date, token: String, notes: { type: Map, of: String },
  }, { timestamps: true }));
  it("is read from a Mongoose document", () => {
    const document = new Weight({ lion: HEX, weight: "181.5", measuredAt: "2025-02-01", token: "t0p", notes: { a: "b" } });
    const event = events.weight(document, NOW);
    assert.deepEqual(valueOf(event), {
      weight_id: String(document._id), lion_id: HEX, weight: 181.5, unit: "kg", notes: { a: "b" },
      measured_at: "2025-02-01T00:00:00.000Z", timestamp: NOW, source: "mongodb",
    });
    assert.deepEqual([event.key, event.headers.timestamp], [HEX, "2025-02-01T00:00:00.000Z"]);
  });
  it("may name a populated lion, and any other toJSON", () => {
    const populated = { _id: objectId(OTHER), weight: 5, unit: "lb", lion: { _id: objectId(HEX), name: "Simba" } };
    assert.equal(events.weight(populated, NOW).key, HEX);
    assert.equal(valueOf(events.weight({ toJSON: () => populated }, NOW)).unit, "lb");
  });
  for (const [more, field, rule] of [
    [{ _id: undefined }, "weight_id", "missing_field"],
    [{ lion_id: null }, "lion_id", "missing_field"],
    [{ weight: undefined }, "weight", "missing_field"],
    [{ weight: "180" }, "weight", "wrong_type"],
    [{ weight: 0 }, "weight", "non_positive_weight"],
    [{ weight: 0.5, unit: "g" }, "weight", "non_positive_weight"],
    [{ unit: "stone" }, "unit", "unknown_unit"],
    [{ unit: "constructor" }, "unit", "unknown_unit"],
    [{ measured_at: "1969-12-31T23:59:59Z" }, "measured_at", "bad_timestamp"],
    [{ user_id: "" }, "user_id", "missing_id"],
  ]) {
    it(`with ${field} ${rule} is refused`, () =>
      refused(() => events.weight({ _id: OTHER, lion_id: HEX, weight: 180, ...more }, NOW), field, rule));
  }
});

describe("an activity", () => {
  it("has its metadata as fields, and the user who did it", () => {
    const event = events.activity(objectId(HEX), "login", { user_id: "someone else", ip: "::1", roles: [objectId(OTHER)] }, NOW);
    assert.deepEqual(valueOf(event), { user_id: HEX, activity_type: "login", timestamp: NOW, ip: "::1", roles: [OTHER] });
    assert.equal(event.headers["event-type"], "user.activity.recorded");
  });
  it("needs no metadata, and no type", () => {
    for (const metadata of [undefined, null, {}]) events.activity(HEX, "login", metadata, NOW);
    assert.deepEqual(valueOf(events.activity(HEX, undefined, {}, NOW)), { user_id: HEX, timestamp: NOW });
  });
  it("never carries a password", () => {
    const User = mongoose.model("User", new mongoose.Schema({ username: String, password: String, deep: {} }));
    const user = new User({ username: "ranger", password: "hunter2", deep: { Token: "hunter2", list: [{ PWD: "hunter2", kept: 1 }] } });
    const said = '{"password": "hunter2", "kept": 1}';
    const text = events.activity(user, "signup", { ...user.toObject(), user, said, broken: '{"a": 1, "secret": "hunter2' }, NOW).value;
    assert.ok(!text.includes("hunter2"), text);
    const { username, deep, said: kept, broken } = JSON.parse(text);
    assert.deepEqual([username, deep, kept, broken], ["ranger", { list: [{ kept: 1 }] }, '{"kept":1}', '{"a": 1, [removed]']);
  });
  for (const [arguments_, field, rule] of [
    [[undefined, "login", {}], "user_id", "missing_field"],
    [[HEX, "", {}], "activity_type", "missing_id"],
    [[HEX, "login", "text"], "metadata", "wrong_type"],
    [[HEX, "login", { username: 5 }], "username", "wrong_type"],
    [[HEX, "login", { metadata: { email: {} } }], "metadata.email", "wrong_type"],
    [[HEX, "login", { roles: "admin" }], "roles", "wrong_type"],
    [[HEX, "login", { deep: { n: [1, NaN] } }], "deep.n[1]", "not_finite"],
    [[HEX, "login", { op: "u", after: {} }], "op", "bad_envelope"],
    [[HEX, "login", { text: "x".repeat(262_144) }], "event", "oversized"],
  ]) {
    it(`with ${field} ${rule} is refused`, () => refused(() => events.activity(...arguments_, NOW), field, rule));
  }
  it("in a circle is refused", () => {
    const circle = {};
    circle.circle = circle;
    assert.throws(() => events.activity(HEX, "login", circle, NOW), { rule: "too_nested" });
  });
});

describe("a challenge", () => {
  const Challenge = mongoose.model("Challenge", new mongoose.Schema({
    title: String, status: { type: String, default: "pending" }, dueDate: Date,
    user: { type: mongoose.Schema.Types.ObjectId, ref: "User" },
  }, { timestamps: true }));
  it("is read from a Mongoose document with timestamps", () => {
    const document = new Challenge({ title: "Track", user: HEX, dueDate: "2025-05-01", updatedAt: "2025-04-01" });
    const event = events.challenge(document, NOW);
    assert.deepEqual(valueOf(event), {
      challenge_id: String(document._id), user_id: HEX, title: "Track", status: "pending", timestamp: NOW,
      updated_at: "2025-04-01T00:00:00.000Z", due_date: "2025-05-01T00:00:00.000Z",
    });
    assert.deepEqual([event.key, event.headers.timestamp], [String(document._id), "2025-04-01T00:00:00.000Z"]);
  });
  for (const [more, field, rule] of [
    [{ status: undefined }, "status", "missing_field"],
    [{ status: "done" }, "status", "unknown_status"],
    [{ user_id: undefined }, "user_id", "missing_field"],
    [{ progress: "half" }, "progress", "wrong_type"],
    [{ due_date: "soon" }, "due_date", "bad_timestamp"],
  ]) {
    it(`with ${field} ${rule} is refused`, () =>
      refused(() => events.challenge({ _id: OTHER, user_id: HEX, status: "pending", ...more }, NOW), field, rule));
  }
});

describe("a quality report", () => {
  const report = (more) => ({ table_name: "t", check_name: "c", total_records: 2, valid_records: 1, invalid_records: 1, quality_percentage: 50, ...more });
  it("passes on, with the time of the check", () => {
    const event = events.quality(report({ note: "n" }), NOW);
    assert.deepEqual(valueOf(event), report({ note: "n", check_timestamp: NOW }));
    assert.deepEqual([event.key, event.topic], ["t", "data.quality.events"]);
  });
  for (const [more, field, rule] of [
    [{ table_name: undefined }, "table_name", "missing_field"],
    [{ total_records: 1.5 }, "total_records", "wrong_type"],
    [{ invalid_records: -1 }, "invalid_records", "negative_count"],
    [{ quality_percentage: 100.1 }, "quality_percentage", "impossible_percentage"],
  ]) {
    it(`with ${field} ${rule} is refused`, () => refused(() => events.quality(report(more), NOW), field, rule));
  }
});
