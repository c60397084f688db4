"""The HTTP door: records that collectors send become messages in Kafka."""
