"""File jobs: what people compute of folders of log files, and how such a job reports."""
