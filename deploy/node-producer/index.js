"use strict";

const { Batches } = require("./lib/batches");
const { Client } = require("./lib/client");
const { InvalidEventError, ProducerError } = require("./lib/errors");
const events = require("./lib/events");
const { optionsOf } = require("./lib/options");

/**
 * Publishes LionTrack's events to Kafka. Each `publish…` checks its event, throws `InvalidEventError` before anything
 * is sent, and resolves when Kafka has acknowledged it. Connects by itself with the first event.
 */
class LionTrackKafkaProducer {
  #options;
  #client;
  #batches;
  /** @type {Promise<void> | undefined} */ #connected;
  #closed = false;

  /**
   * @param {string | string[] | Record<string, any>} [brokers] or all options
   * @param {Record<string, any>} [options]
   */
  constructor(brokers = {}, options = {}) {
    this.#options = optionsOf(brokers, options);
    this.#client = new Client(this.#options);
    this.#batches = new Batches((batch) => this.#send(batch), this.#options);
    const prefix = this.#options.topicPrefix;
    /** Kafka's names of the five topics. */
    this.topics = Object.freeze(
      Object.fromEntries(Object.entries(events.TOPICS).map(([name, topic]) => [name, prefix + topic])),
    );
  }

  /** Connect now, and see that the topics are there. Safe to call again. @returns {Promise<void>} */
  async initialize() {
    this.#closed = false;
    await this.#connect();
  }

  /** @param {unknown} lionData @returns {Promise<void>} */
  async publishLionPosition(lionData) {
    await this.#publish(events.position(lionData, now()));
  }

  /** @param {unknown} weightData @returns {Promise<void>} */
  async publishWeight(weightData) {
    await this.#publish(events.weight(weightData, now()));
  }

  /** @param {unknown} userId @param {unknown} activityType @param {unknown} [metadata] @returns {Promise<void>} */
  async publishUserActivity(userId, activityType, metadata = {}) {
    await this.#publish(events.activity(userId, activityType, metadata, now()));
  }

  /** @param {unknown} challengeData @returns {Promise<void>} */
  async publishChallengeStatus(challengeData) {
    await this.#publish(events.challenge(challengeData, now()));
  }

  /** @param {unknown} qualityReport @returns {Promise<void>} */
  async publishDataQuality(qualityReport) {
    await this.#publish(events.quality(qualityReport, now()));
  }

  /** Send what waits, then close the connections. @returns {Promise<void>} */
  async disconnect() {
    this.#closed = true;
    await this.#batches.flush();
    this.#connected = undefined;
    await this.#client.close();
  }

  /** @param {import("./lib/events").Outgoing} event */
  #publish(event) {
    if (this.#closed) throw new ProducerError("The producer was disconnected: call initialize() to use it again.");
    return this.#batches.add({ ...event, topic: this.#options.topicPrefix + event.topic });
  }

  /** @param {import("./lib/events").Outgoing[]} batch */
  async #send(batch) {
    await this.#connect();
    await this.#client.send(batch);
  }

  #connect() {
    this.#connected ??= this.#client.connect(Object.values(this.topics)).catch((error) => {
      this.#connected = undefined;
      throw error;
    });
    return this.#connected;
  }
}

/** @returns {string} */
function now() {
  return new Date().toISOString();
}

module.exports = Object.assign(LionTrackKafkaProducer, { LionTrackKafkaProducer, InvalidEventError, ProducerError });
