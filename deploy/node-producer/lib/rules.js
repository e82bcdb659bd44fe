"use strict";

// The contract's checks of one field each, as liontrack_stream/contract/convert.py and times.py make them.
// Every function takes the event and a field's name, and throws InvalidEventError.

const { InvalidEventError } = require("./errors");

/** @typedef {Record<string, any>} Event */

const ID_MAX_BYTES = 512;
const END_MS = 32_503_680_000_000; // the year 3000
const MILLISECONDS_FROM = 100_000_000_000; // as seconds this is the year 5138, as milliseconds March 1973
const NO_TIME = "is no time: give a Date, ISO-8601 text, or epoch seconds or milliseconds";
const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d{1,9})?)?(?:[Zz]|([+-])(\d\d):?(\d\d))?)?$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** @param {string} rule @param {string} field @param {string} what @returns {never} */
function broken(rule, field, what) {
  throw new InvalidEventError(rule, field, `${field} ${what}`);
}

/** @param {Event} event @param {string} field */
function missing(event, field) {
  return event[field] === undefined || event[field] === null;
}

/** An id: text, or a whole number, which becomes text. @param {Event} event @param {string} field */
function id(event, field) {
  if (missing(event, field)) broken("missing_field", field, "is missing");
  if (Number.isSafeInteger(event[field])) event[field] = String(event[field]);
  const value = event[field];
  if (typeof value !== "string") broken("wrong_type", field, "is no id: give text or an ObjectId");
  if (!value.trim()) broken("missing_id", field, "is empty");
  if (Buffer.byteLength(value) > ID_MAX_BYTES) broken("oversized", field, `has more than ${ID_MAX_BYTES} bytes`);
}

/** @param {Event} event @param {string} field */
function optionalId(event, field) {
  if (!missing(event, field)) id(event, field);
}

/** The id of one event: text or a whole number; nothing and "" are none. @param {Event} event @param {string} field */
function optionalEventId(event, field) {
  const value = event[field];
  if (missing(event, field) || value === "") return;
  if (typeof value !== "string" && !Number.isInteger(value)) broken("wrong_type", field, "is neither text nor a whole number");
}

/** @param {Event} event @param {string} field */
function optionalText(event, field) {
  if (!missing(event, field) && typeof event[field] !== "string") broken("wrong_type", field, "is no text");
}

/** @param {Event} event @param {string} field */
function optionalNumber(event, field) {
  if (!missing(event, field) && typeof event[field] !== "number") broken("wrong_type", field, "is no number");
}

/** @param {Event} event @param {string} field */
function number(event, field) {
  if (missing(event, field)) broken("missing_field", field, "is missing");
  optionalNumber(event, field);
}

/** @param {Event} event @param {string} field */
function optionalBoolean(event, field) {
  if (!missing(event, field) && typeof event[field] !== "boolean") broken("wrong_type", field, "is neither true nor false");
}

/** @param {Event} event @param {string} field */
function optionalTexts(event, field) {
  const value = event[field];
  if (missing(event, field)) return;
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string")) broken("wrong_type", field, "is no list of texts");
}

/** @param {Event} event @param {string} field */
function count(event, field) {
  number(event, field);
  if (!Number.isInteger(event[field])) broken("wrong_type", field, "is no whole number");
  if (event[field] < 0) broken("negative_count", field, "is below 0");
  if (event[field] >= 2 ** 63) broken("oversized", field, "exceeds 63 bits");
}

/** @param {Event} event @param {string} field */
function optionalTime(event, field) {
  if (!missing(event, field)) time(event[field], field);
}

/**
 * The event's time: the first of these fields that has a value. The others are not looked into, as the contract does not.
 *
 * @param {Event} event
 * @param {string[]} fields
 */
function firstTime(event, fields) {
  for (const field of fields) {
    if (!missing(event, field) && !["string", "number"].includes(typeof event[field])) broken("wrong_type", field, NO_TIME);
  }
  for (const field of fields) if (!missing(event, field)) return time(event[field], field);
}

/** @param {unknown} value ISO-8601 text, or seconds or milliseconds since 1970 @param {string} field */
function time(value, field) {
  const milliseconds = typeof value === "string" ? fromText(value.trim(), field) : fromNumber(value, field);
  if (!(milliseconds >= 0 && milliseconds < END_MS)) broken("bad_timestamp", field, "lies outside the years 1970 to 2999");
}

/** @param {unknown} value @param {string} field */
function fromNumber(value, field) {
  if (typeof value !== "number") return broken("wrong_type", field, NO_TIME);
  if (Math.abs(value) >= 1e16) broken("bad_timestamp", field, "is neither epoch seconds nor epoch milliseconds");
  return Math.abs(value) < MILLISECONDS_FROM ? value * 1000 : value;
}

/** @param {string} value @param {string} field */
function fromText(value, field) {
  const parts = ISO.exec(value);
  if (!parts) return broken("bad_timestamp", field, "is no ISO-8601 time");
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map((part) => Number(part ?? 0));
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && leap ? 29 : (DAYS[month - 1] ?? 0);
  const [hours = 0, minutes = 0] = parts.slice(8, 10).map((part) => Number(part ?? 0));
  if (day < 1 || day > days || hour > 23 || minute > 59 || second > 59 || hours > 23 || minutes > 59) {
    broken("bad_timestamp", field, "is no ISO-8601 time");
  }
  const offset = (hours * 60 + minutes) * (parts[7] === "-" ? -1 : 1);
  return Date.UTC(year, month - 1, day, hour, minute - offset, second);
}

module.exports = {
  broken, count, firstTime, id, missing, number, optionalBoolean, optionalEventId, optionalId, optionalNumber, optionalText,
  optionalTexts, optionalTime,
};
