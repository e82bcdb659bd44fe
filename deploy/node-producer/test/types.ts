// Compiles, or the types are wrong: what an application writes, and what it may not.
import Producer, { InvalidEventError } from "liontrack-kafka-producer";
import mongoose from "mongoose";

const Weight = mongoose.model(
  "TypedWeight",
  new mongoose.Schema({ lion_id: { type: mongoose.Schema.Types.ObjectId, required: true }, weight: Number }),
);

export async function right(): Promise<void> {
  const producer: Producer = new Producer(["kafka:9092"], { topicPrefix: "test.", lingerMs: 20 });
  new Producer({ brokers: "kafka:9092,kafka-2:9092", ssl: true, sasl: { mechanism: "plain", username: "u", password: "p" } });
  const nothing: void = await producer.initialize();
  await producer.publishLionPosition({ _id: "l1", position: { lat: -21, lng: 23 }, collar: "GPS-7" });
  await producer.publishWeight(new Weight({ lion_id: new mongoose.Types.ObjectId(), weight: 180 }));
  await producer.publishUserActivity(new mongoose.Types.ObjectId(), "login");
  await producer.publishUserActivity("u1", "login", { username: "ranger", anything: [1] });
  await producer.publishChallengeStatus({ _id: "c1", user: { _id: "u1" }, status: "pending", dueDate: new Date() });
  const counts = { total_records: 1, valid_records: 1, invalid_records: 0, quality_percentage: 100 };
  await producer.publishDataQuality({ table_name: "lions", check_name: "not_null", ...counts });
  producer.topics.LIONS_POSITION.toUpperCase();
  await producer.disconnect().catch((error: unknown) => error instanceof InvalidEventError && error.field);
  return nothing;
}

export async function wrong(producer: Producer): Promise<void> {
  // @ts-expect-error a position has numbers
  await producer.publishLionPosition({ _id: "l1", position: { lat: "-21", lng: 23 } });
  // @ts-expect-error no such status
  await producer.publishChallengeStatus({ _id: "c1", user_id: "u1", status: "done" });
  // @ts-expect-error a user is missing
  await producer.publishUserActivity();
  // @ts-expect-error counts are missing
  await producer.publishDataQuality({ table_name: "lions", check_name: "not_null" });
  // @ts-expect-error no such option
  new Producer({ lingerSeconds: 1 });
}
