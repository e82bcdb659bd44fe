"use strict";

// What an application passes, as the contract's event: {topic, key, time, type, value}. Pure; throws InvalidEventError.

const { InvalidEventError } = require("./errors");
const { fieldsOf, plain } = require("./plain");
const rules = require("./rules");

/** @typedef {{topic: string, key: string, value: string, headers: Record<string, string>}} Outgoing */
/** @typedef {Record<string, any>} Fields */

const TOPICS = Object.freeze({
  LIONS_POSITION: "lions.position.events",
  LIONS_WEIGHT: "lions.weight.events",
  USERS_ACTIVITY: "users.activity.events",
  CHALLENGES_STATUS: "challenges.status.events",
  DATA_QUALITY: "data.quality.events",
});
const VALUE_MAX_BYTES = 262_144;
const KG_PER_UNIT = new Map([["kg", 1], ["g", 0.001], ["lb", 0.45359237]]);
const UNITS = [...KG_PER_UNIT.keys()].join(", ");
const WEIGHT_MIN_KG = 0.001;
const STATUSES = new Set(["pending", "in_progress", "completed", "abandoned"]);
// Names that Mongoose schemas give what the contract calls otherwise; the contract's own name wins.
const ALIASES = {
  lion_id: ["lionId", "lion"],
  weight_id: ["weightId"],
  user_id: ["userId", "user"],
  challenge_id: ["challengeId"],
  measured_at: ["measuredAt"],
  updated_at: ["updatedAt"],
  created_at: ["createdAt"],
  due_date: ["dueDate"],
  event_id: ["eventId"],
};

/** @param {unknown} lion @param {string} now @returns {Outgoing} */
function position(lion, now) {
  const event = named(lion, "lionData", "lion_id", ["event_id"]);
  defaults(event, { timestamp: now, source: "mongodb", confidence: 0.95 });
  rules.id(event, "lion_id");
  const point = event["position"];
  if (point === undefined || point === null) rules.broken("missing_field", "position", "is missing");
  if (typeof point !== "object" || Array.isArray(point)) rules.broken("wrong_type", "position", "is no object with lat and lng");
  for (const [field, limit] of /** @type {[string, number][]} */ ([["lat", 90], ["lng", 180]])) {
    prefixed("position.", () => rules.number(point, field));
    if (Math.abs(point[field]) > limit) rules.broken("impossible_coordinate", `position.${field}`, `lies outside ±${limit}`);
  }
  for (const field of ["name", "source"]) rules.optionalText(event, field);
  for (const field of ["confidence", "accuracy", "altitude", "dop", "temperature"]) rules.optionalNumber(event, field);
  rules.optionalBoolean(event, "visible");
  rules.optionalEventId(event, "event_id");
  rules.optionalTime(event, "timestamp");
  return outgoing(TOPICS.LIONS_POSITION, "lion_id", "lion.position.update", event, "timestamp");
}

/** @param {unknown} weighing @param {string} now @returns {Outgoing} */
function weight(weighing, now) {
  const event = named(weighing, "weightData", "weight_id", ["lion_id", "user_id", "measured_at"]);
  defaults(event, { unit: "kg", timestamp: now, source: "mongodb" });
  if (event["unit"] === "") event["unit"] = "kg";
  rules.id(event, "weight_id");
  rules.id(event, "lion_id");
  rules.optionalId(event, "user_id");
  rules.number(event, "weight");
  for (const field of ["unit", "source"]) rules.optionalText(event, field);
  const factor = KG_PER_UNIT.get(event["unit"]) ?? rules.broken("unknown_unit", "unit", `is none of ${UNITS}`);
  if (!(event["weight"] * factor >= WEIGHT_MIN_KG)) rules.broken("non_positive_weight", "weight", "is not above 0");
  rules.firstTime(event, ["measured_at", "timestamp"]);
  return outgoing(TOPICS.LIONS_WEIGHT, "lion_id", "lion.weight.recorded", event, "measured_at");
}

/**
 * @param {unknown} userId
 * @param {unknown} activityType
 * @param {unknown} metadata
 * @param {string} now
 * @returns {Outgoing}
 */
function activity(userId, activityType, metadata, now) {
  const event = plain({ ...fieldsOf(metadata, "metadata"), user_id: reference(userId), activity_type: activityType }, "");
  delete event.__v;
  defaults(event, { timestamp: now });
  rules.id(event, "user_id");
  if (rules.missing(event, "activity_type")) delete event.activity_type; // the contract then takes "profile_changed"
  else rules.id(event, "activity_type");
  rules.optionalEventId(event, "event_id");
  if (!rules.missing(event, "event_id") && event.event_id !== "") {
    event.event_id = String(event.event_id);
    rules.id(event, "event_id");
  }
  profile(event);
  const inner = event.metadata;
  if (inner && typeof inner === "object" && !Array.isArray(inner)) prefixed("metadata.", () => profile(inner));
  rules.optionalTime(event, "timestamp");
  return outgoing(TOPICS.USERS_ACTIVITY, "user_id", "user.activity.recorded", event, "timestamp");
}

/** @param {Fields} fields */
function profile(fields) {
  for (const field of ["username", "email"]) rules.optionalText(fields, field);
  rules.optionalTexts(fields, "roles");
}

/** @param {unknown} challengeData @param {string} now @returns {Outgoing} */
function challenge(challengeData, now) {
  const times = /** @type {const} */ (["updated_at", "created_at", "due_date"]);
  const event = named(challengeData, "challengeData", "challenge_id", ["user_id", ...times]);
  defaults(event, { timestamp: now });
  rules.id(event, "challenge_id");
  rules.id(event, "user_id");
  if (rules.missing(event, "status")) rules.broken("missing_field", "status", "is missing");
  for (const field of ["status", "title", "description"]) rules.optionalText(event, field);
  if (!STATUSES.has(event["status"])) rules.broken("unknown_status", "status", `is none of ${[...STATUSES].sort().join(", ")}`);
  rules.optionalNumber(event, "progress");
  rules.firstTime(event, ["updated_at", "timestamp"]);
  for (const field of times.slice(1)) rules.optionalTime(event, field);
  return outgoing(TOPICS.CHALLENGES_STATUS, "challenge_id", "challenge.status.changed", event, "updated_at");
}

/** @param {unknown} report @param {string} now @returns {Outgoing} */
function quality(report, now) {
  const event = plain(fieldsOf(report, "qualityReport"), "");
  defaults(event, { check_timestamp: now });
  rules.id(event, "table_name");
  rules.id(event, "check_name");
  for (const field of ["total_records", "valid_records", "invalid_records"]) rules.count(event, field);
  rules.number(event, "quality_percentage");
  if (!(event.quality_percentage >= 0 && event.quality_percentage <= 100)) {
    rules.broken("impossible_percentage", "quality_percentage", "lies outside 0 to 100");
  }
  rules.optionalTime(event, "check_timestamp");
  return outgoing(TOPICS.DATA_QUALITY, "table_name", "data.quality.checked", event, "check_timestamp");
}

/**
 * A document's fields under the contract's names. Its `_id` is the entity's id; beside such an id it names the event,
 * as `contract/envelopes.py` reads a change of the same document.
 *
 * @param {unknown} document
 * @param {string} argument
 * @param {keyof typeof ALIASES} idField
 * @param {(keyof typeof ALIASES)[]} fields
 * @returns {Fields}
 */
function named(document, argument, idField, fields) {
  const source = /** @type {Fields} */ (fieldsOf(document, argument));
  for (const field of /** @type {(keyof typeof ALIASES)[]} */ ([idField, ...fields])) {
    for (const alias of ALIASES[field]) {
      if (source[field] === undefined && source[alias] !== undefined && source[alias] !== null) source[field] = source[alias];
      delete source[alias];
    }
    if (field.endsWith("_id")) source[field] = reference(source[field]);
  }
  const { _id, __v, ...event } = source;
  const own = reference(_id);
  if (rules.missing(event, idField)) event[idField] = own;
  else if (own !== undefined && own !== null && text(own) !== text(event[idField])) event["event_id"] ??= own;
  return plain(event, "");
}

/** What a reference refers to: the id of a populated document. @param {unknown} value */
function reference(value) {
  const document = /** @type {any} */ (value);
  const populated = document && typeof document === "object" && typeof document.toHexString !== "function";
  return populated && document._id !== undefined ? document._id : document;
}

/** @param {any} value */
function text(value) {
  return typeof value?.toHexString === "function" ? value.toHexString() : String(value);
}

/** @param {Fields} event @param {Fields} values for fields that are missing or null */
function defaults(event, values) {
  for (const [field, value] of Object.entries(values)) event[field] ??= value;
}

/** @param {string} prefix @param {() => void} check */
function prefixed(prefix, check) {
  try {
    check();
  } catch (error) {
    if (!(error instanceof InvalidEventError)) throw error;
    throw new InvalidEventError(error.rule, prefix + error.field, prefix + error.message);
  }
}

/**
 * @param {string} topic
 * @param {string} keyField
 * @param {string} type
 * @param {Fields} event
 * @param {string} timeField
 * @returns {Outgoing}
 */
function outgoing(topic, keyField, type, event, timeField) {
  if (("op" in event && ("after" in event || "before" in event)) ||
      ("operationType" in event && ("documentKey" in event || "fullDocument" in event)) ||
      ("schema" in event && event["payload"] && typeof event["payload"] === "object")) {
    const field = "op" in event ? "op" : "operationType" in event ? "operationType" : "schema";
    rules.broken("bad_envelope", field, "makes the event look like a change envelope: rename it");
  }
  const value = JSON.stringify(event);
  const size = Buffer.byteLength(value);
  if (size > VALUE_MAX_BYTES) rules.broken("oversized", "event", `has ${size} bytes, more than ${VALUE_MAX_BYTES}`);
  const timestamp = event[timeField] ?? event["timestamp"];
  return { topic, key: event[keyField], value, headers: { "event-type": type, timestamp: String(timestamp) } };
}

module.exports = { TOPICS, activity, challenge, position, quality, weight };
