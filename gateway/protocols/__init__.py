"""What is spoken at the door: OTLP, lines, and the bulk requests of Elasticsearch."""
