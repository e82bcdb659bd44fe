"use strict";

/**
 * @typedef {object} Options
 * @property {string[]} brokers
 * @property {string} topicPrefix
 * @property {string} clientId
 * @property {number} lingerMs
 * @property {number} batchEvents
 * @property {number} batchBytes
 * @property {number} queueEvents
 * @property {number} retries
 * @property {number} requestTimeoutMs
 * @property {number} connectTimeoutMs
 * @property {import("node:tls").ConnectionOptions | boolean | undefined} tls
 * @property {any} sasl
 */

const NUMBERS = {
  lingerMs: 5,
  batchEvents: 1_000,
  batchBytes: 512 * 1024, // before compression; a broker takes 1 MiB
  queueEvents: 100_000,
  retries: 8,
  requestTimeoutMs: 30_000,
  connectTimeoutMs: 10_000,
};
const MECHANISMS = /** @type {Record<string, string>} */ ({ plain: "PLAIN", oauthbearer: "OAUTHBEARER" });

/**
 * The options of what the constructor was given: `(brokers, options)`, as the first version of this class had it, or
 * `(options)`. What is not given comes from KAFKA_BROKERS and TOPIC_PREFIX, as everywhere in LionTrack.
 *
 * @param {unknown} first
 * @param {Record<string, any>} second
 * @returns {Options}
 */
function optionsOf(first, second) {
  const listed = typeof first === "string" || Array.isArray(first);
  const given = /** @type {Record<string, any>} */ (listed ? { ...second, brokers: first } : { ...second, .../** @type {any} */ (first) });
  const brokers = given.brokers ?? (process.env.KAFKA_BROKERS || "kafka:9092");
  const options = /** @type {any} */ ({
    brokers: (typeof brokers === "string" ? brokers.split(",") : [...brokers]).map((broker) => String(broker).trim()),
    topicPrefix: given.topicPrefix ?? process.env.TOPIC_PREFIX ?? "",
    clientId: given.clientId ?? "liontrack-producer",
    tls: given.tls ?? given.ssl,
    sasl: sasl(given.sasl),
  });
  if (!options.brokers.length || !options.brokers.every((/** @type {string} */ broker) => /^[^\s:]+(:\d{1,5})?$/.test(broker))) {
    throw new TypeError("brokers: give host:port, or several");
  }
  for (const name of ["topicPrefix", "clientId"]) {
    if (typeof options[name] !== "string" || /\s/.test(options[name])) throw new TypeError(`${name}: give a text without spaces`);
  }
  for (const [name, value] of Object.entries(NUMBERS)) {
    options[name] = given[name] ?? value;
    const least = name === "lingerMs" || name === "retries" ? 0 : 1;
    if (!Number.isFinite(options[name]) || options[name] < least) throw new TypeError(`${name}: give a number of at least ${least}`);
  }
  return options;
}

/** kafkajs writes mechanisms small, Kafka large. @param {any} given */
function sasl(given) {
  if (!given) return undefined;
  const mechanism = String(given.mechanism);
  return { ...given, mechanism: MECHANISMS[mechanism] ?? mechanism.toUpperCase() };
}

module.exports = { optionsOf };
