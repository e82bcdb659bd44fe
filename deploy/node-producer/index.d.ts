import type { ConnectionOptions } from "node:tls";

export = LionTrackKafkaProducer;

/**
 * Publishes LionTrack's events to Kafka. Each `publish…` checks its event, rejects with `InvalidEventError` before
 * anything is sent, and resolves when Kafka has acknowledged it. Connects by itself with the first event.
 */
declare class LionTrackKafkaProducer {
  /** `brokers`: host:port, a list or comma-separated; by default KAFKA_BROKERS, else kafka:9092. */
  constructor(brokers?: string | string[], options?: LionTrackKafkaProducer.Options);
  constructor(options: LionTrackKafkaProducer.Options);

  /** Kafka's names of the five topics. */
  readonly topics: Readonly<
    Record<"LIONS_POSITION" | "LIONS_WEIGHT" | "USERS_ACTIVITY" | "CHALLENGES_STATUS" | "DATA_QUALITY", string>
  >;

  /** Connect now, and see that the topics are there. Safe to call again. */
  initialize(): Promise<void>;
  publishLionPosition(lionData: LionTrackKafkaProducer.Document<LionTrackKafkaProducer.LionPosition>): Promise<void>;
  publishWeight(weightData: LionTrackKafkaProducer.Document<LionTrackKafkaProducer.Weight>): Promise<void>;
  publishUserActivity(
    userId: LionTrackKafkaProducer.Reference,
    activityType: string,
    metadata?: LionTrackKafkaProducer.Document<LionTrackKafkaProducer.ActivityMetadata> | null,
  ): Promise<void>;
  publishChallengeStatus(challengeData: LionTrackKafkaProducer.Document<LionTrackKafkaProducer.Challenge>): Promise<void>;
  publishDataQuality(qualityReport: LionTrackKafkaProducer.Document<LionTrackKafkaProducer.QualityReport>): Promise<void>;
  /** Send what waits, then close the connections. */
  disconnect(): Promise<void>;

  static readonly LionTrackKafkaProducer: typeof LionTrackKafkaProducer;
}

declare namespace LionTrackKafkaProducer {
  interface Options {
    brokers?: string | string[];
    /** Of the topics' names; by default TOPIC_PREFIX, else none. */
    topicPrefix?: string;
    clientId?: string;
    /** How long an event waits for company, ms (5). */
    lingerMs?: number;
    /** A batch holds at most so many events (1,000) and bytes before compression (524,288). */
    batchEvents?: number;
    batchBytes?: number;
    /** Further events are refused while so many wait (100,000). */
    queueEvents?: number;
    /** Attempts after the first (8), at least 2, up to 5 s apart. */
    retries?: number;
    requestTimeoutMs?: number;
    connectTimeoutMs?: number;
    tls?: ConnectionOptions | boolean;
    /** The same; kafkajs's name. */
    ssl?: ConnectionOptions | boolean;
    sasl?: Sasl;
  }

  interface Sasl {
    mechanism: "plain" | "scram-sha-256" | "scram-sha-512" | "oauthbearer" | "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" | "OAUTHBEARER";
    username?: string | (() => string | Promise<string>);
    password?: string | (() => string | Promise<string>);
    token?: string | (() => string | Promise<string>);
  }

  /** A plain object of these fields, or a Mongoose document that has them. Fields that are not named here pass on. */
  type Document<Fields> = (Fields & { [field: string]: unknown }) | HasFields;
  interface HasFields {
    toObject(options?: any): any;
  }
  /** A MongoDB ObjectId, of any version of the driver. */
  interface ObjectIdLike {
    toHexString(): string;
  }
  type Id = string | number | ObjectIdLike;
  /** An id, or a populated document. */
  type Reference = Id | { _id: Id };
  /** A Date, ISO-8601 text, or epoch seconds or milliseconds. */
  type Time = Date | string | number;
  type Optional<Value> = Value | null | undefined;

  interface LionPosition {
    _id?: Id;
    lion_id?: Id;
    position: { lat: number; lng: number };
    /** Of the fix; by default now. */
    timestamp?: Optional<Time>;
    name?: Optional<string>;
    /** 'mongodb' */
    source?: Optional<string>;
    /** 0.95 */
    confidence?: Optional<number>;
    /** Metres. */
    accuracy?: Optional<number>;
    altitude?: Optional<number>;
    dop?: Optional<number>;
    /** Degrees Celsius. */
    temperature?: Optional<number>;
    visible?: Optional<boolean>;
    event_id?: Optional<Id>;
  }

  interface Weight {
    _id?: Id;
    weight_id?: Id;
    lion_id?: Reference;
    lionId?: Reference;
    lion?: Reference;
    user_id?: Optional<Reference>;
    weight: number;
    /** 'kg' */
    unit?: Optional<"kg" | "g" | "lb" | "">;
    measured_at?: Optional<Time>;
    measuredAt?: Optional<Time>;
    timestamp?: Optional<Time>;
    source?: Optional<string>;
  }

  interface ActivityMetadata {
    timestamp?: Optional<Time>;
    event_id?: Optional<Id>;
    username?: Optional<string>;
    email?: Optional<string>;
    roles?: Optional<Id[]>;
  }

  interface Challenge {
    _id?: Id;
    challenge_id?: Id;
    user_id?: Reference;
    userId?: Reference;
    user?: Reference;
    status: "pending" | "in_progress" | "completed" | "abandoned";
    title?: Optional<string>;
    description?: Optional<string>;
    /** 0 to 1, or percent: as the application counts. */
    progress?: Optional<number>;
    timestamp?: Optional<Time>;
    updated_at?: Optional<Time>;
    updatedAt?: Optional<Time>;
    created_at?: Optional<Time>;
    createdAt?: Optional<Time>;
    due_date?: Optional<Time>;
    dueDate?: Optional<Time>;
  }

  interface QualityReport {
    table_name: string;
    check_name: string;
    check_timestamp?: Optional<Time>;
    total_records: number;
    valid_records: number;
    invalid_records: number;
    /** 0 to 100. */
    quality_percentage: number;
  }

  /** An event that breaks the contract; nothing of it was sent. */
  class InvalidEventError extends Error {
    readonly code: "LIONTRACK_INVALID_EVENT";
    /** What is wrong: `position.lat`. */
    readonly field: string;
    /** The contract's rule: `impossible_coordinate`. */
    readonly rule: string;
  }

  /** Kafka took no events, or not for certain. Publishing them again is safe where they carry their time or id. */
  class ProducerError extends Error {
    readonly code: "LIONTRACK_PRODUCER";
  }
}
