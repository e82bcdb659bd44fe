"use strict";

const { ProducerError } = require("./errors");

/** @typedef {import("./events").Outgoing} Outgoing */
/** @typedef {{event: Outgoing, bytes: number, resolve: () => void, reject: (error: Error) => void}} Waiting */

/**
 * Gathers events for `lingerMs` or until `batchEvents` or `batchBytes`, then has them sent. One batch is under way at a
 * time: an entity's events keep their order, and what comes meanwhile is the next batch.
 */
class Batches {
  /** @type {Waiting[]} */ #waiting = [];
  /** @type {NodeJS.Timeout | undefined} */ #timer;
  /** @type {Promise<void> | undefined} */ #sending;
  #waitingBytes = 0;
  #held = 0;

  /**
   * @param {(events: Outgoing[]) => Promise<void>} send resolves when Kafka has acknowledged all of them
   * @param {{lingerMs: number, batchEvents: number, batchBytes: number, queueEvents: number}} limits
   */
  constructor(send, limits) {
    this.send = send;
    this.limits = limits;
  }

  /** Resolves when Kafka has acknowledged the event. @param {Outgoing} event @returns {Promise<void>} */
  add(event) {
    if (this.#held >= this.limits.queueEvents) {
      const sentence = `${this.#held} events wait for Kafka already: await what was published, or raise queueEvents.`;
      return Promise.reject(new ProducerError(sentence));
    }
    return new Promise((resolve, reject) => {
      const bytes = event.key.length + event.value.length + 100;
      this.#held += 1;
      this.#waitingBytes += bytes;
      this.#waiting.push({ event, bytes, resolve, reject });
      if (this.#full()) this.#start();
      else this.#timer ??= setTimeout(() => this.#start(), this.limits.lingerMs);
    });
  }

  /** Resolves when nothing waits any more, acknowledged or failed. */
  async flush() {
    while (this.#waiting.length || this.#sending) {
      this.#start();
      await this.#sending;
    }
  }

  #full() {
    return this.#waiting.length >= this.limits.batchEvents || this.#waitingBytes >= this.limits.batchBytes;
  }

  #start() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#sending || !this.#waiting.length) return;
    this.#sending = this.#sendBatches().finally(() => (this.#sending = undefined));
  }

  async #sendBatches() {
    while (this.#waiting.length) {
      const batch = this.#take();
      try {
        await this.send(batch.map((waiting) => waiting.event));
        for (const waiting of batch) waiting.resolve();
      } catch (error) {
        for (const waiting of batch) waiting.reject(/** @type {Error} */ (error));
      }
      this.#held -= batch.length;
    }
  }

  #take() {
    let count = 0;
    let bytes = 0;
    for (const waiting of this.#waiting) {
      if (count === this.limits.batchEvents || (count > 0 && bytes + waiting.bytes > this.limits.batchBytes)) break;
      bytes += waiting.bytes;
      count += 1;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }
}

module.exports = { Batches };
