"""Tables kept healthy beside the stream."""
