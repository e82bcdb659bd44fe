"use strict";

// An Express application as the field has it: Mongoose documents, one producer, the class's methods as they are.
// Prints its port. Run by tests/integration/test_node_producer.py over a real Kafka.

const express = require("express");
const mongoose = require("mongoose");
const LionTrackKafkaProducer = require("liontrack-kafka-producer");

const { ObjectId } = mongoose.Schema.Types;
const Weight = mongoose.model("Weight", new mongoose.Schema({ lion_id: ObjectId, weight: Number, unit: String, measured_at: Date }));
const Challenge = mongoose.model(
  "Challenge",
  new mongoose.Schema({ title: String, status: String, user: { type: ObjectId, ref: "User" }, dueDate: Date }, { timestamps: true }),
);

const producer = new LionTrackKafkaProducer(process.env.KAFKA_BROKERS.split(","));
const app = express();
app.use(express.json({ limit: "5mb" }));

app.post("/lions", async (req, res) => {
  await producer.publishLionPosition(req.body);
  res.json({ success: true });
});
app.post("/weights", async (req, res) => {
  const weight = new Weight(req.body);
  await producer.publishWeight(weight);
  res.json({ success: true, data: weight });
});
app.post("/activities", async (req, res) => {
  const { userId, type, ...metadata } = req.body;
  await producer.publishUserActivity(userId, type, metadata);
  res.json({ success: true });
});
app.post("/challenges", async (req, res) => {
  const challenge = new Challenge(req.body);
  await producer.publishChallengeStatus(challenge);
  res.json({ success: true, data: challenge });
});
app.post("/quality", async (req, res) => {
  await producer.publishDataQuality(req.body);
  res.json({ success: true });
});
app.use((error, _req, res, _next) => {
  const bad = error instanceof LionTrackKafkaProducer.InvalidEventError;
  res.status(bad ? 400 : 503).json({ error: error.message, field: error.field });
});

const server = app.listen(0, "127.0.0.1", async () => {
  await producer.initialize();
  console.log(server.address().port);
});
process.on("SIGTERM", async () => {
  server.close();
  server.closeAllConnections();
  await producer.disconnect();
});
