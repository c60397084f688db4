"""Where incidents go beside the table: a webhook, by way of the disk."""
