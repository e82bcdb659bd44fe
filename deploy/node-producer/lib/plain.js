"use strict";

// What Express code has (Mongoose documents, ObjectIds, Dates, Maps) as plain values for JSON, without secrets.

const { InvalidEventError } = require("./errors");

// As liontrack_stream/contract/redact.py has them.
const SECRET_FIELDS = new Set([
  "password", "passwd", "pwd", "passwordhash", "password_hash", "secret", "token", "access_token", "refresh_token",
]);
const NESTING_MAX = 64;
const REMOVED = "[removed]";
const SECRET_IN_TEXT = new RegExp(`\\\\*"(?:${[...SECRET_FIELDS].join("|")})\\\\*"\\s*:.*`, "is");
const BSON_NUMBERS = new Set(["Decimal128", "Double", "Int32", "Long"]);

/**
 * The fields of a document or object; none for null and undefined.
 *
 * @param {unknown} value
 * @param {string} name of the argument, for errors
 * @returns {Record<string, unknown>}
 */
function fieldsOf(value, name) {
  const document = /** @type {any} */ (value);
  if (document === null || document === undefined) return {};
  if (typeof document !== "object" || Array.isArray(document) || document instanceof Date || bsonType(document)) {
    throw new InvalidEventError("wrong_type", name, `${name} is no object`);
  }
  if (document instanceof Map) return Object.fromEntries(document);
  const plain = unwrapped(document);
  if (plain === null || typeof plain !== "object" || Array.isArray(plain)) {
    throw new InvalidEventError("wrong_type", name, `${name} is no object`);
  }
  return { ...plain };
}

/**
 * `value` as JSON can hold it: no secrets, no NaN, no NUL. Undefined and functions are left out, as JSON does.
 *
 * @param {any} value
 * @param {string} field its path, for errors
 * @param {number} [level] of nesting
 * @returns {any}
 */
function plain(value, field, level = 1) {
  if (level > NESTING_MAX) throw new InvalidEventError("too_nested", field.slice(0, 80), "it is nested too deep, or in a circle");
  switch (typeof value) {
    case "string":
      return text(value, field);
    case "number":
      if (Number.isFinite(value)) return value;
      throw new InvalidEventError("not_finite", field, `${field} is ${value}`);
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case "boolean":
      return value;
    case "object":
      return value === null ? null : object(value, field, level);
    default:
      return undefined;
  }
}

/** @param {any} value @param {string} field @param {number} level */
function object(value, field, level) {
  if (value instanceof Date) return time(value, field);
  const type = bsonType(value);
  if (type && BSON_NUMBERS.has(type)) return plain(Number(value.toString()), field, level);
  if (typeof value.toHexString === "function") return String(value.toHexString());
  if (Buffer.isBuffer(value) || type === "Binary") return (type ? value.buffer : value).toString("base64");
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  if (value instanceof Set) return list([...value], field, level);
  if (Array.isArray(value)) return list(value, field, level);
  const source = value instanceof Map ? Object.fromEntries(value) : unwrapped(value);
  if (source === null || typeof source !== "object" || Array.isArray(source)) return plain(source, field, level + 1);
  /** @type {Record<string, unknown>} */
  const found = {};
  for (const [name, item] of Object.entries(source)) {
    if (SECRET_FIELDS.has(name.toLowerCase())) continue;
    const path = field ? `${field}.${name}` : name;
    checkText(name, path);
    const clean = plain(item, path, level + 1);
    if (clean !== undefined) define(found, name, clean);
  }
  return found;
}

/** @param {any[]} items @param {string} field @param {number} level */
function list(items, field, level) {
  return items.map((item, index) => plain(item, `${field}[${index}]`, level + 1) ?? null);
}

/**
 * A document's own plain object: Mongoose's `toObject` (populated references become ids again), else `toJSON`.
 *
 * @param {any} value
 */
function unwrapped(value) {
  if (typeof value.toObject === "function") return value.toObject({ depopulate: true, flattenMaps: true });
  if (typeof value.toJSON === "function") return value.toJSON();
  return value;
}

/** @param {any} value @returns {string | undefined} */
function bsonType(value) {
  return typeof value._bsontype === "string" ? value._bsontype : undefined;
}

/** @param {Date} date @param {string} field */
function time(date, field) {
  if (Number.isNaN(date.getTime())) throw new InvalidEventError("bad_timestamp", field, `${field} is an invalid Date`);
  return date.toISOString();
}

/** @param {string} value @param {string} field */
function text(value, field) {
  checkText(value, field);
  return /^\s*[{[]/.test(value) ? withoutSecrets(value) : value;
}

/** @param {string} value @param {string} field */
function checkText(value, field) {
  if (value.includes("\0")) throw new InvalidEventError("nul_byte", field, `${field} holds a NUL character`);
  // @ts-ignore: Node 20 has it, the library of ES2023 has not
  if (!value.isWellFormed()) throw new InvalidEventError("malformed_json", field, `${field} holds half a character (a lone surrogate)`);
}

/**
 * A JSON text inside an event without its secrets; unchanged where it has none.
 *
 * @param {string} value
 */
function withoutSecrets(value) {
  let document;
  try {
    document = JSON.parse(value);
  } catch {
    return value.replace(SECRET_IN_TEXT, REMOVED);
  }
  const before = JSON.stringify(document);
  const after = JSON.stringify(document, (name, item) => (SECRET_FIELDS.has(name.toLowerCase()) ? undefined : item));
  return after === before ? value : after;
}

/** Sets also a field named `__proto__`. @param {object} target @param {string} name @param {unknown} value */
function define(target, name, value) {
  Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
}

module.exports = { SECRET_FIELDS, fieldsOf, plain };
