import LionTrackKafkaProducer from "./index.js";

export const { InvalidEventError, ProducerError } = LionTrackKafkaProducer;
export { LionTrackKafkaProducer };
export default LionTrackKafkaProducer;
