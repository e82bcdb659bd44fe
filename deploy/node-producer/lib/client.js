"use strict";

const { ProducerError, reason } = require("./errors");

/** @typedef {import("./events").Outgoing} Outgoing */
/** @typedef {import("@platformatic/kafka").Producer<string, string, string, string>} KafkaProducer */
/** @typedef {import("./options").Options} Options */

const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 5_000;

/** The Kafka client: idempotent, GZIP, keys in the partitions that Java's, Python's and kafkajs's producers give them. */
class Client {
  /** @type {KafkaProducer | undefined} */ #producer;

  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    this.secrets = [options.sasl?.password, options.sasl?.token].filter((secret) => typeof secret === "string");
  }

  /** Reach a broker and see that the topics are there. @param {string[]} topics */
  async connect(topics) {
    await this.#tried(async (producer) => void (await producer.metadata({ topics })));
  }

  /** Resolves when every in-sync replica has the events. @param {Outgoing[]} events */
  async send(events) {
    await this.#tried(async (producer) => void (await producer.send({ messages: events })));
  }

  async close() {
    const producer = this.#producer;
    this.#producer = undefined;
    if (producer) await producer.close(true);
  }

  /** @param {(producer: KafkaProducer) => Promise<void>} action */
  async #tried(action) {
    try {
      this.#producer ??= await this.#open();
      await action(this.#producer);
    } catch (error) {
      // Kafka may hold what was sent or not. Under the same producer id, the next batch of as many records would
      // pass for a repetition of this one, and be acknowledged without being stored.
      await this.close().catch(() => undefined);
      throw new ProducerError(this.#sentence(error));
    }
  }

  /** @returns {Promise<KafkaProducer>} */
  async #open() {
    const kafka = await import("@platformatic/kafka"); // an ES module; this package is CommonJS, as its users are
    const { brokers, clientId, retries, requestTimeoutMs, connectTimeoutMs, tls, sasl } = this.options;
    return new kafka.Producer({
      clientId,
      bootstrapBrokers: brokers,
      idempotent: true,
      compression: "gzip",
      autocreateTopics: false,
      partitioner: kafka.compatibilityPartitioner, // the default one differs from Java's unless partitions are 2ⁿ
      serializers: kafka.stringSerializers,
      retries: Math.max(2, retries), // the client takes fewer for "without end"
      retryDelay: (_client, _operation, attempt) => Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** (attempt - 1)),
      timeout: requestTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectTimeout: connectTimeoutMs,
      ...(tls ? { tls: tls === true ? {} : tls } : {}),
      ...(sasl ? { sasl } : {}),
    });
  }

  /** @param {unknown} error */
  #sentence(error) {
    const why = reason(error, this.secrets);
    const unknown = /Unknown topic (\S+?)\.?(;|$)/.exec(why);
    if (unknown) return `Kafka has no topic ${unknown[1]}: create the topics with \`liontrack topics\`.`;
    return `Kafka at ${this.options.brokers.join(",")} did not take the events (${why}).`;
  }
}

module.exports = { Client };
