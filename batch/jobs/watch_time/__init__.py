"""Watch time per user and region, over many large CSV files. Nothing is imported here."""
