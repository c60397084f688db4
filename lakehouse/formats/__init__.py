"""The formats of logs: how the bytes of a record become messages, JSON objects of event fields."""
