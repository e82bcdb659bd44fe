"use strict";

/** An event that breaks the contract; nothing of it was sent. `field` names what is wrong, `rule` the contract's rule. */
class InvalidEventError extends Error {
  /**
   * @param {string} rule
   * @param {string} field
   * @param {string} sentence
   */
  constructor(rule, field, sentence) {
    super(sentence);
    this.name = "InvalidEventError";
    this.code = "LIONTRACK_INVALID_EVENT";
    this.rule = rule;
    this.field = field;
  }
}

/** Kafka took no events, or not for certain. Publishing them again is safe: an identity counts once. */
class ProducerError extends Error {
  /** @param {string} sentence */
  constructor(sentence) {
    super(sentence);
    this.name = "ProducerError";
    this.code = "LIONTRACK_PRODUCER";
  }
}

/**
 * What an error of the client says, without its properties: those may hold requests and settings.
 *
 * @param {any} error
 * @param {readonly string[]} secrets texts that must not show
 * @returns {string}
 */
function reason(error, secrets) {
  /** @type {Set<string>} */
  const messages = new Set();
  const look = (/** @type {any} */ one, /** @type {number} */ depth) => {
    if (!one || depth > 8) return;
    if (one.errors?.length) for (const inner of one.errors) look(inner, depth + 1);
    if (one.cause) look(one.cause, depth + 1);
    if (!one.errors?.length && !one.cause) messages.add(String(one.serverErrorMessage || one.message || one.code || one));
  };
  look(error, 0);
  let text = [...messages].slice(0, 3).join("; ");
  for (const secret of secrets) if (secret) text = text.split(secret).join("[removed]");
  return text.slice(0, 300).replace(/\.$/, "");
}

module.exports = { InvalidEventError, ProducerError, reason };
